//! The programs under test.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// `compare`.
pub(crate) fn compare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_compare"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The folder that has the programs of the demos.
pub(crate) fn demos() -> &'static Path {
    conformance::folder_of_demos(env!("CARGO_BIN_EXE_compare"))
}
