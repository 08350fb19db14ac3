//! The program of a plan.

use std::path::PathBuf;
use std::time::Duration;

use crate::plan::argument::Argument;

/// The default of air.
const RERUN_DELAY: Duration = Duration::from_millis(500);

#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) what: What,
    pub(crate) args: Vec<Argument>,
    /// Besides hotrun's own environment.
    pub(crate) env: Vec<(String, String)>,
    pub(crate) dir: PathBuf,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    /// The executable that cargo named.
    Built,
    /// `bin`, absolute.
    File(PathBuf),
    /// `full_bin`, a command line. The arguments are appended.
    Shell(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Rerun {
    pub(crate) delay: Duration,
    /// `rerun_cmd`, run instead of the program.
    pub(crate) cmd: Option<String>,
}

impl Rerun {
    pub(super) fn of(delay: Option<Duration>, cmd: Option<String>) -> Self {
        Self { delay: delay.unwrap_or(RERUN_DELAY), cmd }
    }
}
