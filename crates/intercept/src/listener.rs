//! One listening socket.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{SocketAddrAny, SocketAddrUnix, SocketFlags, acceptfrom_with};
use socket2::{Domain, SockRef, Socket, Type};

use crate::address::Address;
use crate::sockaddr;

/// Connections that may wait to be accepted, however few a program asks for in `listen`.
const BACKLOG: i32 = 1024;

/// A listening socket and the connections that were taken from its queue in vain.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) address: Address,
    socket: Socket,
    inode: u64,
    /// The file of a Unix socket.
    file: Option<FileId>,
    /// Accepted for a program that ended before the connection was handed over.
    returned: Mutex<Vec<Accepted>>,
}

/// A connection on its way to a program, and the bytes of its peer's address.
pub(crate) type Accepted = (OwnedFd, Option<Vec<u8>>);

/// Device and inode of a file.
pub(crate) type FileId = (u64, u64);

impl Listener {
    pub(crate) fn new(address: Address, socket: Socket, inode: u64) -> Self {
        let file = match &address {
            Address::Unix(path) => file_id(path),
            Address::Tcp(_) | Address::Abstract(_) => None,
        };
        Self { address, socket, inode, file, returned: Mutex::default() }
    }

    /// True if a program that connects to this path or binds it means this socket.
    pub(crate) fn is_behind(&self, path: &Path) -> bool {
        self.file.is_some() && self.file == file_id(path)
    }

    /// Removes the file of a Unix socket, which is not used any more.
    pub(crate) fn remove_file(&self) {
        if let Address::Unix(path) = &self.address
            && self.is_behind(path)
        {
            let _ = fs::remove_file(path);
        }
    }

    /// Listens, with a backlog of at least 1024.
    pub(crate) fn listen(&self, backlog: i32) -> io::Result<()> {
        self.socket.listen(backlog.max(BACKLOG))
    }

    pub(crate) fn inode(&self) -> u64 {
        self.inode
    }

    pub(crate) fn duplicate(&self) -> io::Result<OwnedFd> {
        self.socket.try_clone().map(OwnedFd::from)
    }

    /// Takes the next connection. The error is `WouldBlock` if none waits.
    pub(crate) fn accept(&self) -> io::Result<Accepted> {
        if let Some(accepted) = self.returned().pop() {
            return Ok(accepted);
        }
        let (connection, peer) = acceptfrom_with(&self.socket, SocketFlags::CLOEXEC)?;
        Ok((connection, peer.as_ref().and_then(sockaddr::format)))
    }

    /// Takes back a connection that could not be handed over.
    pub(crate) fn put_back(&self, accepted: Accepted) {
        self.returned().push(accepted);
    }

    /// True if a connection waits to be accepted.
    pub(crate) fn has_waiting(&self) -> bool {
        let mut one = [PollFd::new(&self.socket, PollFlags::IN)];
        !self.returned().is_empty() || poll(&mut one, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }

    /// Makes the socket readable once more, by a connection that is closed at once. Programs that poll it, also for edges
    /// only, then look into the queue.
    pub(crate) fn poke(&self) -> io::Result<()> {
        let (domain, address) = match &self.address {
            Address::Tcp(address) => {
                let mut address = *address;
                match address {
                    SocketAddr::V4(_) if address.ip().is_unspecified() => {
                        address.set_ip(Ipv4Addr::LOCALHOST.into());
                    }
                    SocketAddr::V6(_) if address.ip().is_unspecified() => {
                        address.set_ip(Ipv6Addr::LOCALHOST.into());
                    }
                    _ => {}
                }
                (Domain::for_address(address), SocketAddrAny::from(address))
            }
            Address::Unix(path) => (Domain::UNIX, SocketAddrUnix::new(path)?.into()),
            Address::Abstract(name) => (Domain::UNIX, SocketAddrUnix::new_abstract_name(name)?.into()),
        };
        let socket = Socket::new(domain, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        match rustix::net::connect(&socket, &address) {
            Err(Errno::INPROGRESS) => Ok(()),
            connected => Ok(connected?),
        }
    }

    fn returned(&self) -> MutexGuard<'_, Vec<Accepted>> {
        self.returned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// True if the socket is a stream socket.
pub(crate) fn is_stream(socket: BorrowedFd<'_>) -> bool {
    SockRef::from(&socket).r#type().is_ok_and(|kind| kind == Type::STREAM)
}

/// Device and inode of the socket at this path.
fn file_id(path: &Path) -> Option<FileId> {
    let found = fs::metadata(path).ok().filter(|found| found.file_type().is_socket())?;
    Some((found.dev(), found.ino()))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{ErrorKind, Read};
    use std::net::{TcpListener, TcpStream};
    use std::sync::Arc;

    use rustix::net::SocketAddrAny;

    use super::Listener;
    use crate::listeners::Listeners;
    use crate::sockaddr;

    pub(crate) fn any() -> (Listeners, Arc<Listener>) {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let listeners = Listeners::default();
        listeners.own(free).unwrap();
        let listener = listeners.at(&free.into()).unwrap();
        (listeners, listener)
    }

    fn client(listener: &Listener) -> (TcpStream, Option<Vec<u8>>) {
        let client = TcpStream::connect(listener.address.tcp().unwrap()).unwrap();
        let address = client.local_addr().map(SocketAddrAny::from).unwrap();
        (client, sockaddr::format(&address))
    }

    #[test]
    fn a_connection_that_was_put_back_is_the_next_one() {
        let (_listeners, listener) = any();
        let (_client, address) = client(&listener);
        let accepted = listener.accept().unwrap();
        assert_eq!(accepted.1, address);
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        listener.put_back(accepted);
        assert!(listener.has_waiting());
        assert_eq!(listener.accept().unwrap().1, address);
    }

    #[test]
    fn a_poke_is_a_connection_that_ends() {
        let (_listeners, listener) = any();
        listener.poke().unwrap();
        let (connection, _) = listener.accept().unwrap();
        assert_eq!(TcpStream::from(connection).read(&mut [0]).unwrap(), 0);
    }
}
