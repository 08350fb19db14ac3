//! Runs test files written in JavaScript, where the programs that they need are installed.

use std::io::{Write, stderr};
use std::path::Path;
use std::process::{Command, Stdio};

/// What became of a file of tests.
#[derive(Debug)]
#[must_use]
pub(crate) enum Outcome {
    Passed,
    /// What node said.
    Failed(String),
    /// The program that is missing.
    Skipped(&'static str),
}

impl Outcome {
    /// Fails the test if the file failed, or was skipped although `REQUIRE_ALL=1` asks for everything.
    pub(crate) fn report(self) {
        match self {
            Outcome::Passed => {}
            Outcome::Failed(said) => panic!("{said}"),
            Outcome::Skipped(program) => {
                let required = std::env::var("REQUIRE_ALL").is_ok_and(|value| value == "1");
                assert!(!required, "`{program}` is not installed, and REQUIRE_ALL=1 asks for it");
                // Not the macro, whose words the test runner keeps to itself.
                let _ = writeln!(stderr(), "SKIPPED: `{program}` is not installed");
            }
        }
    }
}

/// Runs the tests of `file`, beside this one, which need `programs`.
pub(crate) fn run(file: &str, programs: &[&'static str]) -> Outcome {
    if let Some(missing) = programs.iter().find(|program| !is_installed(program)) {
        return Outcome::Skipped(missing);
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(file);
    let output = Command::new("node").arg("--test").arg(file).output().expect("node was there a moment ago");
    if output.status.success() {
        return Outcome::Passed;
    }
    Outcome::Failed(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn is_installed(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
