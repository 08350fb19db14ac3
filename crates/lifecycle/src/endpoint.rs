//! Where a framework serves.

use std::net::{SocketAddr, TcpListener};

use crate::drain::Drain;
use crate::socket::Socket;

/// What a framework's `serve` takes: where to accept, and when to end.
#[derive(Debug)]
pub struct Endpoint {
    socket: Socket,
    drain: Drain,
}

impl Endpoint {
    /// Joins a listening socket with the order of its end.
    pub fn new(socket: Socket, drain: Drain) -> Endpoint {
        Endpoint { socket, drain }
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.socket.address()
    }

    /// The order of its end.
    pub fn drain(&self) -> &Drain {
        &self.drain
    }

    /// The listener, non-blocking as every runtime expects it, with the order of its end.
    pub fn into_parts(self) -> (TcpListener, Drain) {
        (self.socket.into_listener(), self.drain)
    }
}
