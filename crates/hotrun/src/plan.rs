//! The decisions that are made before anything runs.

mod command_line;
mod discovery;
mod named_program;
mod prompt;
mod source_rules;
mod target;

use std::env;
use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use anstream::ColorChoice;
use anstyle::AnsiColor;

use crate::cli::Cli;
use crate::error::Error;
use crate::plan::discovery::Discovery;
use crate::plan::prompt::Prompt;
use crate::project::Project;
use crate::settings::{self, Color, Colors, Settings, When};

pub(crate) use crate::plan::command_line::CommandLine;
pub(crate) use crate::sources::SourceRules;

/// Upper bound on the time from the start of a server until it is ready.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// A new server that ends within this time after it was ready is given up.
const PROBATION: Duration = Duration::from_secs(5);

/// From the signal to `SIGKILL`. Longer than the drain of lifecycle's servers; air has no delay.
const KILL_DELAY: Duration = Duration::from_secs(10);

/// Upper bound on the wait for the requests of a program that does not drain by itself.
const DRAIN: Duration = Duration::from_secs(5);

/// The default of air.
const RERUN_DELAY: Duration = Duration::from_millis(500);

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The folder that is watched and in which builds run; absolute.
    pub(crate) root: PathBuf,
    /// The file of the settings.
    pub(crate) settings: Option<PathBuf>,
    /// The folder for hotrun's log and its copies of programs. The runner makes it.
    pub(crate) tmp: PathBuf,
    pub(crate) build: Build,
    pub(crate) program: Program,
    pub(crate) sources: SourceRules,
    pub(crate) sockets: Sockets,
    pub(crate) ready: Ready,
    /// A new server that ends within this time after it was ready is given up.
    pub(crate) probation: Duration,
    pub(crate) stop: Stop,
    /// The rule for a program that ends by itself: run it again or not.
    pub(crate) rerun: Option<Rerun>,
    pub(crate) style: Style,
    /// Remove `tmp` at the end.
    pub(crate) clean_on_exit: bool,
    /// `post_cmd`: lines for the shell at the end.
    pub(crate) at_exit: Vec<String>,
    /// Printed once at the start.
    pub(crate) warnings: Vec<String>,
    /// Printed once at the start, as information.
    pub(crate) notes: Vec<String>,
}

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
    /// `full_bin`, a command line. The arguments are appended.
    Shell(String),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Sockets {
    /// `[socket] address`. If empty, hotrun learns them from the program.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) mode: WantedMode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum WantedMode {
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
    /// Upper bound on the wait for requests before the signal.
    pub(crate) drain: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Term,
    Int,
}

impl Signal {
    pub(crate) fn number(self) -> i32 {
        match self {
            Signal::Term => libc::SIGTERM,
            Signal::Int => libc::SIGINT,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Signal::Term => "SIGTERM",
            Signal::Int => "SIGINT",
        }
    }
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
    pub(crate) mode: ColorChoice,
    /// The colour of hotrun's own lines; `None` for no colour.
    pub(crate) main: Option<AnsiColor>,
    pub(crate) watcher: Option<AnsiColor>,
    pub(crate) build: Option<AnsiColor>,
    pub(crate) runner: Option<AnsiColor>,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            time: false,
            mode: ColorChoice::Auto,
            main: Some(AnsiColor::Magenta),
            watcher: Some(AnsiColor::Cyan),
            build: Some(AnsiColor::Yellow),
            runner: Some(AnsiColor::Green),
        }
    }
}

/// Decides what is to be built, run and owned in the current folder.
pub(crate) fn plan(cli: &Cli) -> Result<Plan, Error> {
    let here = env::current_dir()
        .map_err(|error| Error::unfit(format!("the current folder cannot be read: {error}")))?;
    let discovery = Discovery::find(cli, &here)?;
    decide(cli, discovery, &prompt::which)
}

/// Decides from what was found. `ask` chooses among programs if the settings do not.
fn decide(cli: &Cli, discovery: Discovery, ask: Prompt<'_>) -> Result<Plan, Error> {
    let Discovery { root, run_in, project, settings, file, mut warnings, notes } = discovery;
    let tmp = tmp(&root, &project, &settings)?;
    let mut target = target::decide(cli, &root, &tmp, &project, &settings, ask)?;
    target.is_runnable()?;
    let sources = source_rules::decide(&root, &tmp, &project, &settings, &target)?;
    let build = settings.build;
    let mut before = build.pre_cmd;
    if matches!(target.how, How::Nothing) && !before.is_empty() {
        target.how = How::Shell(std::mem::take(&mut before).join(" && "));
    }
    if let How::Shell(line) = &target.how
        && let Some(runs) = runs_the_program(line)
    {
        warnings.push(format!(
            "`build.cmd` is `{line}`: `{runs}` runs the program and does not end; expected a build such as `go build -o tmp/main .`"
        ));
    }
    let env = Vec::from_iter(build.env);
    let args = target.args.into_iter().chain(build.args).chain(cli.args.iter().cloned()).collect();
    let program_env = env.iter().cloned().chain(target.env).collect();
    let log = build.log.unwrap_or_else(|| "build-errors.log".into());
    Ok(Plan {
        build: Build {
            how: target.how,
            env,
            before,
            log: Some(log).filter(|log| !log.as_os_str().is_empty()).map(|log| tmp.join(log)),
            delay: build.delay.unwrap_or_default(),
            stop_on_error: build.stop_on_error.unwrap_or_default(),
        },
        program: Program { what: target.what, args, env: program_env, dir: run_in },
        sources,
        sockets: sockets(settings.socket.address, settings.socket.way)?,
        ready: ready(settings.ready)?,
        probation: settings.probation.unwrap_or(PROBATION),
        stop: Stop {
            signal: if build.send_interrupt == Some(true) { Signal::Int } else { Signal::Term },
            kill_delay: build.kill_delay.unwrap_or(KILL_DELAY),
            drain: settings.socket.drain.unwrap_or(DRAIN),
        },
        rerun: (build.rerun == Some(true))
            .then(|| Rerun { delay: build.rerun_delay.unwrap_or(RERUN_DELAY), cmd: build.rerun_cmd }),
        style: Style::of(settings.log_time, &settings.color),
        clean_on_exit: settings.clean_on_exit.unwrap_or_default(),
        at_exit: build.post_cmd,
        warnings,
        notes,
        settings: file,
        tmp,
        root,
    })
}

impl Style {
    fn of(time: Option<bool>, colors: &Colors) -> Self {
        let style = Self::default();
        let color = |set: Option<Color>, usual: Option<AnsiColor>| set.map_or(usual, |Color(color)| color);
        Self {
            time: time.unwrap_or(style.time),
            mode: match colors.mode {
                Some(When::Always) => ColorChoice::Always,
                Some(When::Never) => ColorChoice::Never,
                Some(When::Auto) | None => ColorChoice::Auto,
            },
            main: color(colors.main, style.main),
            watcher: color(colors.watcher, style.watcher),
            build: color(colors.build, style.build),
            runner: color(colors.runner, style.runner),
        }
    }
}

/// hotrun's folder: in cargo's target folder, or `tmp` as air has it.
fn tmp(root: &Path, project: &Project, settings: &Settings) -> Result<PathBuf, Error> {
    let tmp = match (&settings.tmp_dir, project) {
        (Some(named), _) => root.join(named),
        (None, Project::Cargo(workspace)) => workspace.target.join("hotrun/run"),
        (None, _) => root.join("tmp"),
    };
    let tmp = without_dots(&tmp);
    if root.starts_with(&tmp) {
        let named = settings.tmp_dir.as_deref().unwrap_or(&tmp).display();
        return Err(Error::unfit(format!(
            "`tmp_dir` is `{named}`, which holds the sources; expected a folder of its own, such as \"tmp\""
        )));
    }
    Ok(tmp)
}

/// The path without `.` and `..`. Symlinks are not resolved.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// The first words of a command line, if these run a program instead of building it.
fn runs_the_program(line: &str) -> Option<&'static str> {
    let words: Vec<&str> = line.split_whitespace().take(2).collect();
    [["go", "run"], ["cargo", "run"], ["dlv", "debug"]]
        .into_iter()
        .zip(["go run", "cargo run", "dlv debug"])
        .find_map(|(first, name)| (words == first).then_some(name))
}

fn sockets(addresses: Vec<SocketAddr>, way: Option<WantedMode>) -> Result<Sockets, Error> {
    let way = way.unwrap_or_default();
    if addresses.is_empty() && matches!(way, WantedMode::ListenFds | WantedMode::Proxy) {
        let words = "`socket.way` needs `socket.address` beside it: hotrun listens there, before the program is started";
        return Err(Error::unfit(words));
    }
    if let Some(twice) = addresses.iter().enumerate().find(|(at, address)| addresses[..*at].contains(address))
    {
        return Err(Error::unfit(format!("`socket.address` names `{}` twice", twice.1)));
    }
    Ok(Sockets { addresses, mode: way })
}

fn ready(ready: settings::Ready) -> Result<Ready, Error> {
    if let Some(path) =
        ready.http.as_ref().filter(|path| !path.starts_with('/') || path.contains([' ', '\r', '\n']))
    {
        return Err(Error::unfit(format!("`ready.http` is `{path}`; expected a path such as \"/readyz\"")));
    }
    let timeout = ready.timeout.unwrap_or(READY_TIMEOUT);
    if timeout.is_zero() {
        return Err(Error::unfit(
            "`ready.timeout` is 0; expected the longest start that is worth waiting for",
        ));
    }
    Ok(Ready { http: ready.http, timeout })
}
