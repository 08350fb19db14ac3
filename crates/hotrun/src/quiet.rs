//! What a process' connections are doing.

use std::net::SocketAddr;

/// The established connections of a group of processes on some ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    /// Connections that the processes hold.
    pub(crate) open: usize,
    /// Those with bytes that nobody has read or acknowledged yet.
    pub(crate) busy: usize,
}

/// Looks at every process of the group.
pub(crate) fn traffic(_group: u32, _addresses: &[SocketAddr]) -> Traffic {
    Traffic::default()
}

/// Which process of the group holds the server's side of the connection that comes from `peer`.
pub(crate) fn holds(_group: u32, _peer: SocketAddr) -> bool {
    false
}

/// Whether every process of the group that holds a listener has a handler for the signal.
pub(crate) fn catches(_group: u32, _signal: i32) -> bool {
    true
}
