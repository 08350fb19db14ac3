//! What the supervisor asks for.

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Build version `.0`.
    Build(u32),
    /// End the build under way; its `Built` is awaited.
    Cancel,
    Start {
        server: u32,
        version: u32,
    },
    /// Let it take no new connection, wait for those it has, stop it.
    Leave(u32),
    /// Stop it without waiting for connections.
    Stop(u32),
    /// End it now.
    Kill(u32),
    /// It leaves, and others wait for that: leave sooner.
    Hurry(u32),
    /// It was leaving, and stays.
    Return(u32),
    /// It is the current one; `Proven` is awaited.
    Probation(u32),
    /// `Rerun` is awaited.
    Pause,
    Say(Word),
    /// Everything is over.
    Exit,
}

/// What is worth a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// The first server was not ready in time, and there is no other.
    StillStarting(u32),
    /// Given up before it was ready; `serves` says whether another one does.
    GivenUp { server: u32, late: bool, serves: bool },
    /// Died on probation.
    Fell(u32),
    /// The one before stays.
    Returned(u32),
    /// The last good version is started again.
    Restored(u32),
    /// It ended by itself, and nothing is run until something changes.
    Waiting(u32),
}
