//! All that is decided before anything runs.

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anstyle::AnsiColor;

use crate::cli::Cli;
use crate::refusal::Refusal;

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Where commands run, absolute.
    pub(crate) root: PathBuf,
    /// hotrun's own folder: logs, kept copies of binaries. Made by the runner.
    pub(crate) tmp: PathBuf,
    pub(crate) build: Build,
    pub(crate) program: Program,
    pub(crate) sources: SourceRules,
    pub(crate) sockets: Sockets,
    pub(crate) ready: Ready,
    /// How long a new server may still be given up after it was ready.
    pub(crate) probation: Duration,
    pub(crate) stop: Stop,
    /// What to do when the program ends by itself.
    pub(crate) rerun: Option<Rerun>,
    pub(crate) style: Style,
    /// Remove `tmp` at the end.
    pub(crate) clean_on_exit: bool,
    /// Sentences to print once at the start.
    pub(crate) warnings: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Build {
    pub(crate) how: How,
    /// Besides hotrun's own environment.
    pub(crate) env: Vec<(String, String)>,
    /// The compiler's own words of the last build, absolute.
    pub(crate) log: Option<PathBuf>,
    /// Wait after a change; usually nothing.
    pub(crate) delay: Duration,
    /// A failed build stops the running program.
    pub(crate) stop_on_error: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum How {
    /// Nothing to build: an edit restarts.
    Nothing,
    Cargo {
        /// What follows `cargo`, without `--message-format` and `--target-dir`: `build --bin demo-axum`.
        arguments: Vec<String>,
        /// `target/hotrun`, absolute, or `None` to share the usual one.
        target: Option<PathBuf>,
        /// The name of the target whose executable is run.
        binary: String,
    },
    /// One command for `/bin/sh -c`.
    Shell(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) what: What,
    pub(crate) args: Vec<String>,
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
    /// `full_bin`, for `/bin/sh -c`; the arguments are appended.
    Shell(String),
}

/// What counts as a source.
#[derive(Clone, Debug, Default)]
pub(crate) struct SourceRules {}

#[derive(Clone, Debug, Default)]
pub(crate) struct Sockets {
    /// `[socket] address`; none is to learn them from the program.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) way: WayWanted,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum WayWanted {
    #[default]
    Auto,
    ListenFds,
    Bind,
    Proxy,
    StopFirst,
    None,
}

#[derive(Clone, Debug)]
pub(crate) struct Ready {
    /// A path that answers with 2xx once the server is ready.
    pub(crate) http: Option<String>,
    pub(crate) timeout: Duration,
}

#[derive(Clone, Debug)]
pub(crate) struct Stop {
    pub(crate) signal: Signal,
    /// From the signal to `SIGKILL`.
    pub(crate) kill_delay: Duration,
    /// Deadline of the drain from outside, before the signal.
    pub(crate) drain: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Term,
    Int,
}

#[derive(Clone, Debug)]
pub(crate) struct Rerun {
    pub(crate) delay: Duration,
    /// `rerun_cmd`, run instead of the program.
    pub(crate) cmd: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Style {
    /// `[log] time`.
    pub(crate) time: bool,
    /// hotrun's own lines.
    pub(crate) main: AnsiColor,
    pub(crate) watcher: AnsiColor,
    pub(crate) build: AnsiColor,
    pub(crate) runner: AnsiColor,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            time: false,
            main: AnsiColor::Magenta,
            watcher: AnsiColor::Cyan,
            build: AnsiColor::Yellow,
            runner: AnsiColor::Green,
        }
    }
}

/// Decides what is to be built, run and owned in the current folder.
pub(crate) fn plan(cli: &Cli) -> Result<Plan, Refusal> {
    let root = env::current_dir()
        .map_err(|error| Refusal::unfit(format!("the current folder cannot be read: {error}")))?;
    let binary = match &cli.bin {
        Some(name) => name.clone(),
        None => root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
    };
    Ok(Plan {
        tmp: root.join("target/hotrun/run"),
        build: Build {
            how: How::Cargo {
                arguments: vec!["build".into(), "--bin".into(), binary.clone()],
                target: Some(root.join("target/hotrun")),
                binary,
            },
            env: Vec::new(),
            log: None,
            delay: Duration::ZERO,
            stop_on_error: false,
        },
        program: Program { what: What::Built, args: cli.args.clone(), env: Vec::new(), dir: root.clone() },
        sources: SourceRules::default(),
        sockets: Sockets::default(),
        ready: Ready { http: None, timeout: Duration::from_secs(30) },
        probation: Duration::from_secs(5),
        stop: Stop {
            signal: Signal::Term,
            kill_delay: Duration::from_secs(10),
            drain: Duration::from_secs(5),
        },
        rerun: None,
        style: Style::default(),
        clean_on_exit: false,
        warnings: Vec::new(),
        root,
    })
}
