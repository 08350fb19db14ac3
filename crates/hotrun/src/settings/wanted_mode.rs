//! `socket.way`.

/// The way in which servers are to receive connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum WantedMode {
    #[default]
    Auto,
    ListenFds,
    Bind,
    Proxy,
    StopFirst,
    None,
}
