//! The door of a listener that is about to close.
//!
//! A connection that arrives between the last accept and the close of a listener is reset, although its
//! client was told that it is connected (4 to 6 in 100 closes under load). So the door is shut first: the
//! kernel drops further attempts to connect, which their clients repeat after a second, to be refused then;
//! handshakes that are under way finish, and their connections are accepted before the close.

use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::AsFd;

/// Lets nobody new in. Only Linux can do that.
#[cfg(target_os = "linux")]
pub fn shut(listener: &impl AsFd) -> io::Result<()> {
    use socket2::{SockFilter, SockRef};

    // A classic BPF program; on a TCP socket offset 0 is the TCP header. Byte 13 holds the flags, of which
    // 2 is SYN.
    const LOAD_BYTE: u16 = 0x30;
    const AND: u16 = 0x54;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let no_newcomers = [
        SockFilter::new(LOAD_BYTE, 0, 0, 13),
        SockFilter::new(AND, 0, 0, 2),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
        SockFilter::new(RETURN, 0, 0, 0),
    ];
    SockRef::from(listener).attach_filter(&no_newcomers)
}

/// Opens it again, for whoever else holds the socket: the filter belongs to the socket, not to the handle.
#[cfg(target_os = "linux")]
pub fn open(listener: &impl AsFd) -> io::Result<()> {
    match socket2::SockRef::from(listener).detach_filter() {
        // It stands open.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        opened => opened,
    }
}

/// Lets nobody new in. Only Linux can do that.
#[cfg(not(target_os = "linux"))]
pub fn shut<L>(_listener: &L) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// It was never shut.
#[cfg(not(target_os = "linux"))]
pub fn open<L>(_listener: &L) -> io::Result<()> {
    Ok(())
}
