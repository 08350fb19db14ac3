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
/// No other process gets it from here until this one ends. Its port is below the ports of clients. Otherwise a client that connects
/// while the server is away could connect to itself, and block the server's port.
pub fn free_address() -> Result<SocketAddr, Failed> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(process::id() % 20_000)?;
    for _ in 0..1000 {
        let port = 10_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        if reserve(port)
            && let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        {
            return Ok(listener.local_addr()?);
        }
    }
    Err("no port between 10000 and 30000 is free".into())
}

/// Keeps other processes of these tests from this port until this process ends. `false` if it is taken.
///
/// The kernel gives an abstract name to one socket at a time, and takes it back when the process ends.
#[cfg(target_os = "linux")]
fn reserve(port: u16) -> bool {
    use std::os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener},
    };
    use std::sync::{Mutex, PoisonError};

    static RESERVED: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());
    let name = SocketAddr::from_abstract_name(format!("port-of-tests-{port}"));
    let Ok(listener) = name.and_then(|name| UnixListener::bind_addr(&name)) else { return false };
    RESERVED.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
    true
}

#[cfg(not(target_os = "linux"))]
fn reserve(_: u16) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_given_out_once() {
        let (one, other) = (own_address().unwrap(), own_address().unwrap());
        assert!(one.ip().is_loopback() && one.ip() == other.ip() && one.port() != other.port());
        assert_ne!(one.ip().to_string(), "127.0.0.1");
    }

    /// Another process is refused in the same way: the kernel does not ask whose socket has the name.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_free_address_is_given_to_one_process() {
        let (one, other) = (free_address().unwrap(), free_address().unwrap());
        assert_ne!(one, other);
        assert!(!reserve(one.port()) && !reserve(other.port()));
    }
}
