//! A call of `accept` without its answer.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use libc::{O_CLOEXEC, O_NONBLOCK};
use rustix::io::Errno;

use crate::listener::Listener;
use crate::seccomp::{Call, Kind, Notifications, int};
use crate::tracee::Tracee;

/// A call of `accept` that waits for a connection.
pub(crate) struct PendingAccept {
    pub(crate) call: Call,
    pub(crate) listener: Arc<Listener>,
}

impl PendingAccept {
    /// Accepts a connection for the program, if one waits. Returns whether the call is answered, or its thread gave up.
    pub(crate) fn serve(&self, notifications: &Notifications) -> bool {
        if !notifications.is_waiting(&self.call) {
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
        if let Err(error) = self.hand_over(notifications, connection.as_fd(), peer.as_deref()) {
            self.listener.put_back((connection, peer));
            // Another call may take it. If this one still waits, its process has no descriptor left (`EMFILE`).
            let _ = self.listener.poke();
            notifications.fail(&self.call, Errno::from_io_error(&error).unwrap_or(Errno::CONNABORTED));
        }
        true
    }

    fn hand_over(
        &self,
        notifications: &Notifications,
        connection: BorrowedFd<'_>,
        peer: Option<&[u8]>,
    ) -> io::Result<()> {
        let [place, length_place, flags] = self.call.arguments;
        let flags = if self.call.kind == Kind::Accept4 { int(flags) } else { 0 };
        if flags & O_NONBLOCK != 0 {
            rustix::io::ioctl_fionbio(connection, true)?;
        }
        if let Some(peer) = peer {
            Tracee::new(self.call.thread).store(peer, place, length_place)?;
        }
        notifications.give(&self.call, connection, (flags & O_CLOEXEC).cast_unsigned())
    }
}
