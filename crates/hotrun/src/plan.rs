//! The decisions that are made before anything runs.

mod build;
mod command_line;
mod discovery;
mod named_program;
mod program;
mod prompt;
mod ready;
mod sockets;
mod source_rules;
mod stop;
mod style;
mod target;
mod tmp_dir;

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::Cli;
use crate::error::Error;
use crate::plan::discovery::Discovery;
use crate::plan::prompt::Prompt;
use crate::report::Style;
use crate::sources::SourceRules;

pub(crate) use crate::plan::build::{Build, How};
pub(crate) use crate::plan::command_line::CommandLine;
pub(crate) use crate::plan::program::{Program, Rerun, What};
pub(crate) use crate::plan::ready::Ready;
pub(crate) use crate::plan::sockets::Sockets;
pub(crate) use crate::plan::stop::{Signal, Stop};

/// A new server that ends within this time after it was ready is given up.
const PROBATION: Duration = Duration::from_secs(5);

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
    let tmp = tmp_dir::decide(&root, &project, &settings)?;
    let mut target = target::decide(cli, &root, &tmp, &project, &settings, ask)?;
    target.is_runnable()?;
    let sources = source_rules::decide(&root, &tmp, &project, &settings, &target)?;
    let build = settings.build;
    let mut before = build.pre_cmd;
    if matches!(target.how, How::Nothing) && !before.is_empty() {
        target.how = How::Shell(std::mem::take(&mut before).join(" && "));
    }
    if let Some((line, runs)) = target.how.runs_the_program() {
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
        sockets: Sockets::of(settings.socket.address, settings.socket.way)?,
        ready: Ready::of(settings.ready)?,
        probation: settings.probation.unwrap_or(PROBATION),
        stop: Stop::of(build.send_interrupt, build.kill_delay, settings.socket.drain),
        rerun: (build.rerun == Some(true)).then(|| Rerun::of(build.rerun_delay, build.rerun_cmd)),
        style: style::style(settings.log_time, &settings.color),
        clean_on_exit: settings.clean_on_exit.unwrap_or_default(),
        at_exit: build.post_cmd,
        warnings,
        notes,
        settings: file,
        tmp,
        root,
    })
}
