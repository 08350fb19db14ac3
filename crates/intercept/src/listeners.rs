//! The listening sockets that outlive the programs.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::fstat;
use socket2::{Domain, Socket, Type};

use crate::address::Address;
use crate::listener::Listener;

/// Listening TCP and Unix sockets, one for each address. Programs share them, one after the other: a connection in the queue waits for
/// the next program that accepts.
#[derive(Debug, Default)]
pub struct Listeners {
    listeners: Mutex<Vec<Arc<Listener>>>,
}

impl Listeners {
    /// Binds the address and listens there, unless that is done already. The socket is non-blocking and close-on-exec, its
    /// backlog 1024.
    ///
    /// # Errors
    ///
    /// Those of socket(2), bind(2) and listen(2).
    pub fn own(&self, address: SocketAddr) -> io::Result<()> {
        if self.at(&address.into()).is_some() {
            return Ok(());
        }
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        self.bind(socket.into(), address)?.listen(0)
    }

    /// Duplicates of the sockets of these addresses, in the order in which they were bound: for `LISTEN_FDS`.
    ///
    /// # Errors
    ///
    /// There is no descriptor left.
    pub fn duplicates(&self, wanted: impl Fn(&Address) -> bool) -> io::Result<Vec<OwnedFd>> {
        let listeners = self.locked();
        let wanted = listeners.iter().filter(|listener| wanted(&listener.address));
        wanted.map(|listener| listener.duplicate()).collect()
    }

    /// The addresses, in the order in which they were bound.
    pub fn addresses(&self) -> Vec<Address> {
        self.locked().iter().map(|listener| listener.address.clone()).collect()
    }

    /// Closes the sockets of all other addresses, and removes the files of Unix sockets. When a program has moved to another
    /// address, clients of the old one are refused and do not wait.
    pub fn retain(&self, wanted: impl Fn(&Address) -> bool) {
        self.locked().retain(|listener| {
            let stays = wanted(&listener.address);
            if !stays {
                listener.remove_file();
            }
            stays
        });
    }

    /// Binds a socket that a program made, with all options that are set on it, and keeps it.
    pub(crate) fn bind(&self, socket: OwnedFd, address: SocketAddr) -> io::Result<Arc<Listener>> {
        let socket = Socket::from(socket);
        // Otherwise connections of an earlier run in TIME_WAIT keep the address.
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.set_nonblocking(true)?;
        socket.set_cloexec(true)?;
        let inode = fstat(&socket)?.st_ino;
        let listener = Arc::new(Listener::new(address.into(), socket, inode));
        self.locked().push(Arc::clone(&listener));
        Ok(listener)
    }

    /// Keeps a Unix socket that a program has bound. One that was at this address before has no name any more.
    pub(crate) fn adopt(&self, socket: OwnedFd, address: Address) -> io::Result<Arc<Listener>> {
        let socket = Socket::from(socket);
        socket.set_nonblocking(true)?;
        let inode = fstat(&socket)?.st_ino;
        let mut listeners = self.locked();
        listeners.retain(|listener| listener.address != address);
        let listener = Arc::new(Listener::new(address, socket, inode));
        listeners.push(Arc::clone(&listener));
        Ok(listener)
    }

    pub(crate) fn all(&self) -> Vec<Arc<Listener>> {
        self.locked().clone()
    }

    /// The listener that a program means by this address.
    pub(crate) fn at(&self, address: &Address) -> Option<Arc<Listener>> {
        match address {
            Address::Unix(path) => self.find(|listener| listener.is_behind(path)),
            Address::Tcp(_) | Address::Abstract(_) => self.find(|listener| listener.address == *address),
        }
    }

    /// A listener of the same port, which may be the reason why this address cannot be bound.
    pub(crate) fn with_port_of(&self, address: SocketAddr) -> Option<Arc<Listener>> {
        self.find(|listener| listener.address.tcp().is_some_and(|other| other.port() == address.port()))
    }

    pub(crate) fn with_inode(&self, inode: u64) -> Option<Arc<Listener>> {
        self.find(|listener| listener.inode() == inode)
    }

    fn find(&self, is_it: impl Fn(&Listener) -> bool) -> Option<Arc<Listener>> {
        self.locked().iter().find(|listener| is_it(listener)).map(Arc::clone)
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Arc<Listener>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::TcpStream;
    use std::os::fd::AsFd;

    use crate::listener::tests::any;

    #[test]
    fn an_address_is_bound_once_and_found_by_its_inode() {
        let (listeners, listener) = any();
        listeners.own(listener.address.tcp().unwrap()).unwrap();
        assert_eq!(listeners.addresses(), std::slice::from_ref(&listener.address));
        assert_eq!(listeners.with_inode(listener.inode()).unwrap().address, listener.address);
        assert_eq!(listeners.duplicates(|_| true).unwrap().len(), 1);
        assert!(rustix::io::fcntl_getfd(listener.as_fd()).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
    }

    #[test]
    fn an_address_that_is_not_wanted_is_closed() {
        let (listeners, listener) = any();
        let address = listener.address.tcp().unwrap();
        drop(listener);
        listeners.retain(|_| false);
        assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}
