//! The listener and the drain that a framework's server gets.

use std::net::{SocketAddr, TcpListener};

use crate::drain::Drain;
use crate::socket::Socket;

/// A listener and its drain: where a framework's server accepts, and when it ends.
#[derive(Debug)]
pub struct Endpoint {
    socket: Socket,
    drain: Drain,
}

impl Endpoint {
    /// Joins a listening socket and its drain.
    pub fn new(socket: Socket, drain: Drain) -> Endpoint {
        Endpoint { socket, drain }
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.socket.address()
    }

    /// Its drain.
    pub fn drain(&self) -> &Drain {
        &self.drain
    }

    /// The listener, which is non-blocking, and its drain.
    pub fn into_parts(self) -> (TcpListener, Drain) {
        (self.socket.into_listener(), self.drain)
    }
}
