//! The listeners that hotrun owns.

mod holder;
mod way;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::fstat;
use rustix::net::{SocketAddrAny, SocketFlags, acceptfrom_with};
use socket2::{Domain, SockRef, Socket, Type};

pub(crate) use holder::{Holder, holder, listening_on};
pub(crate) use way::{Chosen, Way, choose};

/// Connections that may wait to be accepted, whatever a program passes to `listen`.
const BACKLOG: i32 = 1024;

/// The listeners, by address, kept until hotrun ends or nobody wants them any more.
#[derive(Debug, Default)]
pub(crate) struct Owned {
    listeners: Mutex<Vec<Arc<Listener>>>,
}

/// One socket that all servers share, one after the other: what waits in its queue waits for whoever accepts next.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    socket: Socket,
    inode: u64,
    /// Accepted for somebody who had gone by the time that it was to be handed over.
    returned: Mutex<Vec<Accepted>>,
}

/// A connection on its way to a program.
pub(crate) type Accepted = (OwnedFd, Option<SocketAddr>);

impl Owned {
    /// Binds the address unless it is ours already. Backlog 1024, close-on-exec, non-blocking.
    pub(crate) fn own(&self, address: SocketAddr) -> io::Result<()> {
        if self.at(address).is_some() {
            return Ok(());
        }
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        self.bind(socket.into(), address)?.listen(0)
    }

    /// Binds a socket that some program made, with all that is set on it, and keeps it.
    pub(crate) fn bind(&self, socket: OwnedFd, address: SocketAddr) -> io::Result<Arc<Listener>> {
        let socket = Socket::from(socket);
        // Without it, connections of an earlier run that the kernel still remembers keep the address.
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.set_nonblocking(true)?;
        socket.set_cloexec(true)?;
        let inode = fstat(&socket)?.st_ino;
        let listener = Arc::new(Listener { address, socket, inode, returned: Mutex::default() });
        self.locked().push(Arc::clone(&listener));
        Ok(listener)
    }

    /// Duplicates, in the order in which they were owned.
    pub(crate) fn duplicates(&self) -> io::Result<Vec<OwnedFd>> {
        self.locked().iter().map(|listener| listener.socket.try_clone().map(OwnedFd::from)).collect()
    }

    /// What is owned.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.locked().iter().map(|listener| listener.address).collect()
    }

    /// Closes what is not wanted any more: a program that has moved to another port leaves nobody waiting at the
    /// old one.
    pub(crate) fn retain(&self, wanted: impl Fn(SocketAddr) -> bool) {
        self.locked().retain(|listener| wanted(listener.address));
    }

    /// Every listener.
    pub(crate) fn all(&self) -> Vec<Arc<Listener>> {
        self.locked().clone()
    }

    /// The listener of this very address.
    pub(crate) fn at(&self, address: SocketAddr) -> Option<Arc<Listener>> {
        self.find(|listener| listener.address == address)
    }

    /// A listener of the same port that may stand in the way of this address.
    pub(crate) fn near(&self, address: SocketAddr) -> Option<Arc<Listener>> {
        self.find(|listener| listener.address.port() == address.port())
    }

    /// The listener that this socket is.
    pub(crate) fn known(&self, inode: u64) -> Option<Arc<Listener>> {
        self.find(|listener| listener.inode == inode)
    }

    fn find(&self, is_it: impl Fn(&Listener) -> bool) -> Option<Arc<Listener>> {
        self.locked().iter().find(|listener| is_it(listener)).map(Arc::clone)
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Arc<Listener>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// Listens, with room for at least 1024 that wait.
    pub(crate) fn listen(&self, backlog: i32) -> io::Result<()> {
        self.socket.listen(backlog.max(BACKLOG))
    }

    pub(crate) fn inode(&self) -> u64 {
        self.inode
    }

    /// The next connection that waits; none does where the error is `WouldBlock`.
    pub(crate) fn accept(&self) -> io::Result<Accepted> {
        if let Some(accepted) = self.returned().pop() {
            return Ok(accepted);
        }
        let (connection, peer) = acceptfrom_with(&self.socket, SocketFlags::CLOEXEC)?;
        Ok((connection, peer.and_then(internet)))
    }

    /// Takes a connection back that could not be handed over.
    pub(crate) fn put_back(&self, accepted: Accepted) {
        self.returned().push(accepted);
    }

    /// Whether a connection waits to be accepted.
    pub(crate) fn has_waiting(&self) -> bool {
        let mut one = [PollFd::new(&self.socket, PollFlags::IN)];
        self.has_returned() || poll(&mut one, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }

    /// Whether a connection was put back, of which the kernel knows nothing.
    pub(crate) fn has_returned(&self) -> bool {
        !self.returned().is_empty()
    }

    /// Makes the socket ready once more, so that whoever waits for the next event on it looks into the queue: a
    /// connection that is closed at once.
    pub(crate) fn poke(&self) -> io::Result<()> {
        let mut address = self.address;
        match address {
            SocketAddr::V4(_) if address.ip().is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            SocketAddr::V6(_) if address.ip().is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        match socket.connect(&address.into()) {
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => Ok(()),
            connected => connected,
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

/// Whether a socket carries a stream over the internet's protocols.
pub(crate) fn is_stream(socket: BorrowedFd<'_>) -> bool {
    SockRef::from(&socket).r#type().is_ok_and(|kind| kind == Type::STREAM)
}

fn internet(address: SocketAddrAny) -> Option<SocketAddr> {
    SocketAddr::try_from(address).ok()
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read};
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::os::fd::AsFd;

    use super::{Listener, Owned};
    use std::sync::Arc;

    fn any() -> (Owned, Arc<Listener>) {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let owned = Owned::default();
        owned.own(free).unwrap();
        let listener = owned.at(free).unwrap();
        (owned, listener)
    }

    #[test]
    fn an_address_is_bound_once_and_told_by_its_inode() {
        let (owned, listener) = any();
        owned.own(listener.address).unwrap();
        assert_eq!(owned.addresses(), [listener.address]);
        assert_eq!(owned.known(listener.inode()).unwrap().address, listener.address);
        assert_eq!(owned.duplicates().unwrap().len(), 1);
        assert!(rustix::io::fcntl_getfd(listener.as_fd()).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
    }

    #[test]
    fn a_connection_that_was_put_back_is_the_next_one() {
        let (_owned, listener) = any();
        let client = TcpStream::connect(listener.address).unwrap();
        let accepted = listener.accept().unwrap();
        assert_eq!(accepted.1, client.local_addr().ok());
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        listener.put_back(accepted);
        assert!(listener.has_returned());
        assert_eq!(listener.accept().unwrap().1, client.local_addr().ok());
    }

    #[test]
    fn a_poke_is_a_connection_that_ends() {
        let (_owned, listener) = any();
        listener.poke().unwrap();
        let (connection, _) = listener.accept().unwrap();
        assert_eq!(TcpStream::from(connection).read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn what_nobody_wants_is_closed() {
        let (owned, listener) = any();
        let address: SocketAddr = listener.address;
        drop(listener);
        owned.retain(|_| false);
        assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}
