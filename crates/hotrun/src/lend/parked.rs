//! A call of `accept` that waits for a connection.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use libc::{O_CLOEXEC, O_NONBLOCK};
use rustix::io::Errno;

use crate::lend::caller::Caller;
use crate::lend::seccomp::{Call, Kind, Notifications, int};
use crate::socket::Listener;

/// A call of `accept` that waits for a connection.
pub(super) struct Parked {
    pub(super) call: Call,
    pub(super) listener: Arc<Listener>,
}

impl Parked {
    /// Accepts for the caller, if there is something to accept. `true` when it waits no longer.
    pub(super) fn serve(&self, notifications: &Notifications) -> bool {
        if !notifications.waits(&self.call) {
            return true;
        }
        let (connection, peer) = match self.listener.accept() {
            Ok(accepted) => accepted,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(error) => {
                notifications.fail(&self.call, Errno::from_io_error(&error).unwrap_or(Errno::CONNABORTED));
                return true;
            }
        };
        if let Err(error) = self.hand_over(notifications, connection.as_fd(), peer) {
            self.listener.put_back((connection, peer));
            // Whoever else waits is to look; and who still waits here cannot take it (`EMFILE`).
            let _ = self.listener.poke();
            notifications.fail(&self.call, Errno::from_io_error(&error).unwrap_or(Errno::CONNABORTED));
        }
        true
    }

    fn hand_over(
        &self,
        notifications: &Notifications,
        connection: BorrowedFd<'_>,
        peer: Option<SocketAddr>,
    ) -> io::Result<()> {
        let [place, length_place, flags] = self.call.arguments;
        let flags = if self.call.kind == Kind::Accept4 { int(flags) } else { 0 };
        if flags & O_NONBLOCK != 0 {
            rustix::io::ioctl_fionbio(connection, true)?;
        }
        if let Some(peer) = peer {
            Caller::new(self.call.thread).store(peer, place, length_place)?;
        }
        notifications.give(&self.call, connection, (flags & O_CLOEXEC).cast_unsigned())
    }
}
