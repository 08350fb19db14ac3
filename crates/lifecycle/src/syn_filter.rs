//! A filter that keeps new clients away from a listener that is about to close.
//!
//! A connection that arrives between the last accept and the close of a listener is reset, although its client is connected
//! already. This happened in 4 to 6 of 100 closes under load. With the filter the kernel drops every `SYN`. The client repeats
//! it after a second, and is refused then. Handshakes that are under way finish, and their connections are accepted before the
//! close.

use std::io;
use std::os::fd::AsFd;

use socket2::{SockFilter, SockRef};

/// Attaches the filter to a listener. It belongs to the socket, so it counts for every handle of it.
pub(crate) fn attach(listener: &impl AsFd) -> io::Result<()> {
    // A classic BPF program. On a TCP socket, offset 0 is the TCP header. Byte 13 holds the flags; 2 is SYN.
    const LOAD_BYTE: u16 = 0x30;
    const AND: u16 = 0x54;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let drop_syn = [
        SockFilter::new(LOAD_BYTE, 0, 0, 13),
        SockFilter::new(AND, 0, 0, 2),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
        SockFilter::new(RETURN, 0, 0, 0),
    ];
    SockRef::from(listener).attach_filter(&drop_syn)
}

/// Detaches the filter, for the process or the listener that goes on with the same socket.
pub(crate) fn detach(listener: &impl AsFd) -> io::Result<()> {
    match SockRef::from(listener).detach_filter() {
        // There is no filter.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        detached => detached,
    }
}
