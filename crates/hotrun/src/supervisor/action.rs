//! The actions that the supervisor asks for.

/// An action, done by the runner.
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
    /// Take new connections from it, and let it live: `Leave` or `Return` follows.
    Keep(u32),
    /// Take new connections from it, wait for those that it has, stop it.
    Leave(u32),
    /// Stop it without waiting for connections.
    Stop(u32),
    /// Kill it.
    Kill(u32),
    /// It was kept or left, and serves again.
    Return(u32),
    /// It is the current one; `Proven` is awaited.
    Probation(u32),
    /// `Rerun` is awaited.
    Pause,
    Say(Message),
    /// Everything has ended.
    Exit,
}

/// A message to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// `serves`: there is a server; `stops`: it is stopped for that.
    BuildFailed { serves: bool, stops: bool },
    /// The build has changed nothing in the program of this server.
    Unchanged(u32),
    /// The first server was not ready in time, and there is no other.
    StillStarting(u32),
    /// Given up before it was ready; `serves`: another one serves.
    GivenUp { server: u32, late: bool, serves: bool },
    /// Died on probation, and there is something to fall back to.
    Fell(u32),
    /// A copy of the last good version is started.
    Restored,
    /// It ended by itself, and nothing is run until something changes.
    Waiting(u32),
    /// It is killed while it drains, since too many newer ones drain.
    Cut(u32),
}
