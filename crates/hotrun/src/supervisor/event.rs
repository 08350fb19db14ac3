//! What the supervisor hears.

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Sources differ.
    Changed,
    /// The build with this number is over.
    Built(u32, Outcome),
    /// A server is ready.
    Ready {
        server: u32,
        /// Its successor can start beside it: its sockets are ours.
        shares: bool,
    },
    /// A server was not ready in time.
    Late(u32),
    /// A server lived through its probation.
    Proven(u32),
    /// A leaving server was told to stop, so that there is no way back.
    Signalled(u32),
    /// A server is gone.
    Ended(u32),
    /// The pause before a rerun is over.
    Rerun,
    /// hotrun was asked to end.
    Quit,
}

/// How a build ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Good,
    Failed,
    Cancelled,
}
