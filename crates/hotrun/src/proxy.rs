//! A proxy that holds requests while nobody is ready.

use std::io;
use std::net::{SocketAddr, TcpListener};

/// The proxy; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Proxy;

impl Proxy {
    /// Serves on a listener; every request waits until there is a target.
    pub(crate) fn start(_listener: TcpListener) -> io::Result<Proxy> {
        Ok(Proxy)
    }

    /// From now on new requests go there; those under way stay where they are.
    pub(crate) fn switch(&self, _target: Option<SocketAddr>) {}
}
