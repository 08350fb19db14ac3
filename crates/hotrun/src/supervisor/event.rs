//! The events that the supervisor takes in.

/// An event, from the runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Sources differ.
    Changed,
    /// The variables of the program differ, and no source does.
    Renewed,
    /// The build of this version ended.
    Built(u32, Outcome),
    /// A copy of this version's program was made.
    Copied(u32),
    /// A server is ready.
    Ready {
        server: u32,
        /// A successor can start beside it: hotrun owns its sockets.
        shares: bool,
        /// It can be kept from new connections.
        holds: bool,
    },
    /// A server was not ready in time.
    Late(u32),
    /// A server lived through its probation.
    Proven(u32),
    /// A replaced server was told to stop, so that it cannot be called back.
    Signalled(u32),
    /// No process of a server is left.
    Ended(u32),
    /// The pause before a rerun is over.
    Rerun,
    /// hotrun was asked to end.
    Quit,
}

/// The outcome of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Good,
    /// Good, and the program is byte-identical with that of this version.
    Same(u32),
    Failed,
    Cancelled,
}
