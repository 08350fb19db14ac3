//! The supervisor's record of a server.

/// One server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) id: u32,
    pub(super) version: u32,
    /// A successor can start beside it.
    pub(super) shares: bool,
    /// It can be kept from new connections.
    pub(super) holds: bool,
    /// It lived through its probation.
    pub(super) proven: bool,
    pub(super) stage: Stage,
}

/// The stage of a server on the way to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It starts, or it serves.
    Active,
    /// Replaced, kept without new connections until its successor is proven.
    Kept,
    /// Replaced, not told to stop yet: it may still be called back.
    Draining,
    /// Told to stop.
    Told,
    /// Killed.
    Cut,
}

impl Server {
    /// One that was just started.
    pub(super) fn new(id: u32, version: u32) -> Self {
        Self { id, version, shares: true, holds: false, proven: false, stage: Stage::Active }
    }
}
