//! The build of a plan.

use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug)]
pub(crate) struct Build {
    pub(crate) how: How,
    /// `pre_cmd`: lines for the shell before each build. The first that fails ends the build.
    pub(crate) before: Vec<String>,
    /// Besides hotrun's own environment.
    pub(crate) env: Vec<(String, String)>,
    /// The file for the compiler's output of the last build, absolute.
    pub(crate) log: Option<PathBuf>,
    /// From a change to the build; usually zero.
    pub(crate) delay: Duration,
    /// A failed build stops the running program.
    pub(crate) stop_on_error: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum How {
    /// Nothing to build: an edit restarts.
    Nothing,
    Cargo {
        /// The arguments of `cargo`, without `--message-format` and `--target-dir`: `build --bin demo-axum`.
        arguments: Vec<String>,
        /// The target folder, `target/hotrun`, absolute; `None` for the usual one.
        target: Option<PathBuf>,
        /// The name of the target whose executable is run.
        binary: String,
    },
    /// One command for `/bin/sh -c`.
    Shell(String),
}

impl How {
    /// The first words of a shell's line, if these run the program instead of building it.
    pub(super) fn runs_the_program(&self) -> Option<(&str, &'static str)> {
        let How::Shell(line) = self else { return None };
        let words: Vec<&str> = line.split_whitespace().take(2).collect();
        let runners = ["go run", "cargo run", "dlv debug"];
        runners
            .into_iter()
            .find(|runner| words == runner.split(' ').collect::<Vec<_>>())
            .map(|runner| (&**line, runner))
    }
}
