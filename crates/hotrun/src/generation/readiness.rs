//! The sign by which a server was found ready.

use std::fmt;

/// The sign by which a server was found ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    Notified,
    Listens,
    Accepts,
    Answers,
    /// There is no sign to wait for.
    Started,
    /// It has bound no port and waits: a worker.
    Rests,
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Readiness::Notified => "it said `READY=1`",
            Readiness::Listens => "it listens",
            Readiness::Accepts => "it accepts",
            Readiness::Answers => "it answers",
            Readiness::Started => "it is started",
            Readiness::Rests => "it has bound no port and waits, as a worker does",
        })
    }
}
