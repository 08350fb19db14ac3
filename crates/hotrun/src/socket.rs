//! The listeners that hotrun owns.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::Mutex;

use crate::plan::{Sockets, WayWanted};

/// How servers come by connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Our listener as descriptor 3; the program's own `bind` of it is answered too where that works.
    ListenFds,
    /// The program's own `bind` is answered with our listener.
    Lent,
    /// `PORT`, behind our proxy.
    Proxy,
    /// Ours, one server at a time: requests wait in the queue.
    StopFirst,
    /// Nothing is owned.
    Plain,
}

/// Which way is taken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) way: Way,
    /// Filters work here, whatever the way.
    pub(crate) lends: bool,
    /// A clause: `\`[socket] address\` gives it`.
    pub(crate) reason: String,
}

/// Chooses the way for what is wanted, on this machine.
pub(crate) fn choose(sockets: &Sockets) -> Chosen {
    let (way, reason) = match sockets.way {
        WayWanted::None => (Way::Plain, "`[socket] way` says so"),
        _ if !sockets.addresses.is_empty() => (Way::ListenFds, "`[socket] address` gives it"),
        _ => (Way::Plain, "no address is known"),
    };
    Chosen { way, lends: false, reason: reason.to_owned() }
}

/// Who holds a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) name: String,
    pub(crate) pid: u32,
}

/// The listeners, by address, kept until hotrun ends.
#[derive(Debug, Default)]
pub(crate) struct Owned {
    listeners: Mutex<Vec<(SocketAddr, TcpListener)>>,
}

impl Owned {
    /// Binds the address unless it is ours already. Backlog 1024, close-on-exec, non-blocking.
    pub(crate) fn own(&self, address: SocketAddr) -> io::Result<()> {
        let mut listeners = self.listeners.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !listeners.iter().any(|(owned, _)| *owned == address) {
            listeners.push((address, TcpListener::bind(address)?));
        }
        Ok(())
    }

    /// Duplicates, in the order in which they were owned.
    pub(crate) fn duplicates(&self) -> io::Result<Vec<OwnedFd>> {
        let listeners = self.listeners.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        listeners.iter().map(|(_, listener)| listener.try_clone().map(OwnedFd::from)).collect()
    }

    /// What is owned.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let listeners = self.listeners.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        listeners.iter().map(|(address, _)| *address).collect()
    }
}

/// Who listens on this address, as far as we may see.
pub(crate) fn holder(_address: SocketAddr) -> Option<Holder> {
    None
}
