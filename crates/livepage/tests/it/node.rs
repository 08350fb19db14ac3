//! Runs test files written in JavaScript.

use std::path::Path;
use std::process::Command;

/// Runs the tests of `file`, which is beside this one. The error is what node prints when a test fails.
pub(crate) fn run(file: &str) -> Result<(), String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(file);
    let output = Command::new("node").arg("--test").arg(file).output().expect("node is installed");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stdout).into_owned()) }
}
