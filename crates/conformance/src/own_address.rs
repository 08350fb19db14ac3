//! Addresses that no other process uses.

use crate::Failed;
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process,
    sync::atomic::{AtomicU16, Ordering},
};

static NEXT_PORT: AtomicU16 = AtomicU16::new(20_000);

/// A loopback address that is made of this process's id, below the ports of clients, and never given out twice.
///
/// A program can bind it later without a race: no other process of this machine uses that IP address. Linux has the whole of
/// 127.0.0.0/8, and a process id has 22 bits at most.
pub fn own_address() -> Result<SocketAddr, Failed> {
    let [_, a, b, c] = process::id().to_be_bytes();
    let host = Ipv4Addr::new(127, 128 | a, b, c);
    loop {
        let port = NEXT_PORT.fetch_add(1, Ordering::Relaxed);
        if port > 30_000 {
            return Err(format!("no port of {host} is left").into());
        }
        // A listener on 0.0.0.0 has its port on every address.
        if let Ok(listener) = TcpListener::bind((host, port)) {
            return Ok(listener.local_addr()?);
        }
    }
}

/// An address on 127.0.0.1 that was free a moment ago, for a program whose page a browser shows.
///
/// Its port is below the ports of clients. Otherwise a client that connects while the server is away could connect to itself,
/// and block the server's port.
pub fn free_address() -> Result<SocketAddr, Failed> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(process::id() % 20_000)?;
    for _ in 0..1000 {
        let port = 10_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return Ok(listener.local_addr()?);
        }
    }
    Err("no port between 10000 and 30000 is free".into())
}

#[cfg(test)]
mod tests {
    use super::own_address;

    #[test]
    fn an_address_is_given_out_once() {
        let (one, other) = (own_address().unwrap(), own_address().unwrap());
        assert!(one.ip().is_loopback() && one.ip() == other.ip() && one.port() != other.port());
        assert_ne!(one.ip().to_string(), "127.0.0.1");
    }
}
