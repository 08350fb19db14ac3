//! Why an upgrade did not succeed.

use thiserror::Error;

/// Why the old process serves on, in words for its operator.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Setback {
    /// There is no program to start.
    #[error("{0}")]
    Missing(String),
    /// The program is not one that may be started.
    #[error("the program may not be started: {0}")]
    Refused(String),
    /// The system did not start it.
    #[error("{0}")]
    Unstartable(String),
    /// It ended before it was ready.
    #[error("the successor ended before it was ready: {0}; what it said is in the log")]
    Exited(String),
    /// It was not ready in time.
    #[error("the successor was not ready within {0} s")]
    Late(u64),
    /// It ended on probation.
    #[error("the successor ended on probation: {0}")]
    Died(String),
    /// It is not the time for an upgrade.
    #[error("{0}")]
    Busy(String),
}

impl Setback {
    /// Every outcome's name in the figures, the good one first.
    pub const OUTCOMES: [&str; 8] =
        ["succeeded", "missing", "refused", "unstartable", "exited", "late", "died", "busy"];

    /// Its name in the figures.
    pub fn as_str(&self) -> &'static str {
        match self {
            Setback::Missing(_) => "missing",
            Setback::Refused(_) => "refused",
            Setback::Unstartable(_) => "unstartable",
            Setback::Exited(_) => "exited",
            Setback::Late(_) => "late",
            Setback::Died(_) => "died",
            Setback::Busy(_) => "busy",
        }
    }
}
