//! The build of a plan.

use std::path::PathBuf;
use std::time::Duration;

use crate::plan::rule::Rule;

/// The first words of commands that run a server and do not end.
const SERVERS: [&str; 14] = [
    "go run",
    "cargo run",
    "dlv debug",
    "dlv exec",
    "npm start",
    "npm run dev",
    "npm run start",
    "npm run serve",
    "yarn dev",
    "pnpm dev",
    "uvicorn",
    "gunicorn",
    "flask run",
    "air",
];

#[derive(Clone, Debug)]
pub(crate) struct Build {
    pub(crate) how: How,
    /// The folder in which commands run.
    pub(crate) dir: PathBuf,
    /// `pre_cmd`: lines for the shell before each build. The first that fails ends the build.
    pub(crate) before: Vec<String>,
    /// Besides hotrun's own environment.
    pub(crate) env: Vec<(String, String)>,
    /// Files whose variables the build gets.
    pub(crate) env_files: Vec<PathBuf>,
    /// The files for the compiler's output of the last build, absolute: none, or one for each program.
    pub(crate) log: Vec<PathBuf>,
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
    /// The build of a program that nothing builds, with `pre_cmd` and these rules.
    pub(super) fn of_lines(lines: &[String], rules: &[Rule]) -> Self {
        match lines {
            [] if rules.iter().any(|rule| rule.is_before_build) => How::Shell("true".to_owned()),
            [] => How::Nothing,
            _ => How::Shell(lines.join(" && ")),
        }
    }

    /// The line for the shell, and the words in it that run the program instead of building it.
    pub(super) fn runs_the_program(&self) -> Option<(&str, &'static str)> {
        let How::Shell(line) = self else { return None };
        // A command before the last one must end, or the last one never runs: `go run ./generate && go build`.
        let last = line.trim().rsplit(['&', ';', '|', '\n']).next().unwrap_or_default();
        let words =
            last.split_whitespace().skip_while(|word| word.contains('=') || ["exec", "env"].contains(word));
        let words: Vec<&str> = words.collect();
        let begins = |server: &&&str| words.starts_with(&server.split(' ').collect::<Vec<_>>());
        SERVERS.iter().find(begins).map(|server| (line.as_str(), *server))
    }
}
