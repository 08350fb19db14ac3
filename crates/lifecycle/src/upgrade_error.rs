//! Why an upgrade failed.

use thiserror::Error;

/// Why the old process serves on, in words for its operator.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UpgradeError {
    /// There is no program to start.
    #[error("{0}")]
    Missing(String),
    /// A process was writing the program at this path.
    #[error("the program at `{0}` was being written for 1 s: upgrade again when its writer has closed it")]
    Unfinished(String),
    /// The rules do not allow the program.
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
    /// An upgrade cannot begin now, or the server ended before it was over.
    #[error("{0}")]
    Busy(String),
}

impl UpgradeError {
    /// Every value of the label `outcome` in the metrics. The first one stands for a success.
    pub const OUTCOMES: [&str; 9] =
        ["succeeded", "missing", "unfinished", "refused", "unstartable", "exited", "late", "died", "busy"];

    /// The value of the label `outcome` in the metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            UpgradeError::Missing(_) => "missing",
            UpgradeError::Unfinished(_) => "unfinished",
            UpgradeError::Refused(_) => "refused",
            UpgradeError::Unstartable(_) => "unstartable",
            UpgradeError::Exited(_) => "exited",
            UpgradeError::Late(_) => "late",
            UpgradeError::Died(_) => "died",
            UpgradeError::Busy(_) => "busy",
        }
    }
}
