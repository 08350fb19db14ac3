//! The decisions that are made before anything runs.

mod argument;
mod build;
mod command_faults;
mod command_line;
mod discovery;
mod front;
mod named_program;
mod program;
mod programs;
mod prompt;
mod ready;
mod rule;
mod shared_build;
mod sockets;
mod source_rules;
mod stop;
mod style;
mod suggested;
mod target;
mod tmp_dir;
mod warnings;

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::Cli;
use crate::environment::Environment;
use crate::error::Error;
use crate::go_module;
use crate::plan::discovery::Discovery;
use crate::plan::named_program::Place;
use crate::plan::prompt::Prompt;
use crate::plan::warnings::Surroundings;
use crate::project::Project;
use crate::report::Style;
use crate::settings::Settings;
use crate::sources::SourceRules;

pub(crate) use crate::plan::argument::Argument;
pub(crate) use crate::plan::build::{Build, How};
pub(crate) use crate::plan::command_line::{CommandLine, is_in_path, quoted};
pub(crate) use crate::plan::front::Front;
pub(crate) use crate::plan::program::{Program, Rerun, What};
pub(crate) use crate::plan::ready::Ready;
pub(crate) use crate::plan::rule::Rule;
pub(crate) use crate::plan::shared_build::SharedBuild;
pub(crate) use crate::plan::sockets::Sockets;
pub(crate) use crate::plan::stop::{Signal, Stop};

/// A new server that ends within this time after it was ready is given up.
const PROBATION: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The name of the program, if several run.
    pub(crate) name: Option<String>,
    /// The folder that is watched and in which builds run; absolute.
    pub(crate) root: PathBuf,
    /// The file of the settings.
    pub(crate) settings: Option<PathBuf>,
    /// The folder for hotrun's log and its copies of programs. The runner makes it.
    pub(crate) tmp: PathBuf,
    pub(crate) build: Build,
    pub(crate) program: Program,
    pub(crate) sources: SourceRules,
    /// Files whose variables the build and the program get.
    pub(crate) env_files: Vec<PathBuf>,
    /// Commands for files that need no build.
    pub(crate) rules: Vec<Rule>,
    pub(crate) sockets: Sockets,
    pub(crate) front: Option<Front>,
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

impl Plan {
    /// The root, for JSON.
    pub(crate) fn shown_root(&self) -> String {
        self.root.display().to_string()
    }

    /// The absolute path of the settings file, for JSON.
    pub(crate) fn shown_settings(&self) -> Option<String> {
        let file = self.settings.as_ref()?;
        Some(file.canonicalize().unwrap_or_else(|_| file.clone()).display().to_string())
    }
}

/// Decides what is to be built, run and owned in the current folder: for each program its plan.
pub(crate) fn plans(cli: &Cli) -> Result<Vec<Plan>, Error> {
    let here = env::current_dir()
        .map_err(|error| Error::unfit(format!("the current folder cannot be read: {error}")))?;
    let discovery = Discovery::find(cli, &here)?;
    if discovery.settings.runs.is_empty() {
        return decide(cli, discovery, &prompt::which).map(|plan| vec![plan]);
    }
    programs::plans(cli, &discovery, &prompt::which)
}

/// Decides from what was found. `ask` chooses among programs if the settings do not.
fn decide(cli: &Cli, discovery: Discovery, ask: Prompt<'_>) -> Result<Plan, Error> {
    let Discovery { root, here, build_in, run_in, project, settings, file, mut warnings, mut notes, program } =
        suggested::completed(discovery)?;
    let mut tmp = tmp_dir::decide(&root, &project, &settings)?;
    if let Some(program) = &program {
        tmp.push(&program.name);
    }
    let (watched, env_files) = env_files(&root, &settings);
    let mut environment = Environment::of(env_files.clone());
    warnings.extend(environment.read().err());
    let settled = settings.build.env.iter().map(|(name, value)| (name.into(), value.into()));
    let variables: Vec<(OsString, OsString)> = environment.variables().into_iter().chain(settled).collect();
    let named_from = if program.is_some() { &build_in } else { &root };
    let place = Place {
        root: named_from,
        here: if here.starts_with(named_from) { &here } else { named_from },
        folder: &build_in,
        env: &variables,
        is_airs: settings.is_airs,
        packages: &go_module::main_packages,
    };
    let bin = match &program {
        Some(program) => program.binary(&project, &settings),
        None => cli.bin.as_deref(),
    };
    let mut target = target::decide(bin, &place, &tmp, &project, &settings, ask)?;
    target.is_runnable()?;
    let of_sources = match &program {
        Some(_) if !programs::is_made_by(&project, &target.how) => &Project::Other(root.clone()),
        _ => &project,
    };
    let mut sources = source_rules::decide(&root, &tmp, of_sources, &settings, &target, watched)?;
    if let Some(program) = &program {
        program.narrow(&mut sources, &project, &settings, &target.how, &build_in);
    }
    let own_args: Vec<Argument> = settings.build.args.iter().flat_map(|text| place.arguments(text)).collect();
    let rules: Vec<Rule> =
        settings.build.rules.iter().map(|rule| Rule::of(rule, &root)).collect::<Result<_, _>>()?;
    let build = settings.build;
    let mut before = build.pre_cmd;
    if matches!(target.how, How::Nothing) {
        target.how = How::of_lines(&before, &rules);
        before.clear();
    }
    let log = build.log.unwrap_or_else(|| "build-errors.log".into());
    let log = Some(log).filter(|log| !log.as_os_str().is_empty()).map(|log| tmp.join(log));
    let is_watched = !sources.extensions.is_empty();
    let around = Surroundings { build_in: &build_in, run_in: &run_in, env: &variables, is_watched };
    warnings.extend(warnings::of(&target, log.as_deref(), &tmp, &around));
    notes.extend(target.note);
    let front = Front::of(&settings.proxy);
    notes.extend(front.as_ref().map(Front::note));
    let env = Vec::from_iter(build.env);
    let shared = program.filter(|_| matches!(target.how, How::Cargo { .. }));
    let (build_env, build_env_files) = shared.map_or_else(
        || (env.clone(), env_files.clone()),
        |program| (Vec::from_iter(program.shared_env), program.shared_env_files),
    );
    let cli_args = cli.args.iter().cloned().map(Argument::Word);
    let args = target.args.into_iter().chain(own_args).chain(cli_args).collect();
    let program_env = env.iter().cloned().chain(target.env).collect();
    Ok(Plan {
        name: None,
        build: Build {
            how: target.how,
            dir: build_in,
            env: build_env,
            before,
            env_files: build_env_files,
            log: log.into_iter().collect(),
            delay: build.delay.unwrap_or_default(),
            stop_on_error: build.stop_on_error.unwrap_or_default(),
        },
        program: Program { what: target.what, args, env: program_env, dir: run_in },
        sources,
        env_files,
        rules,
        front,
        sockets: Sockets::of(settings.socket.address, settings.socket.way)?,
        ready: Ready::of(settings.ready)?,
        probation: settings.probation.unwrap_or(PROBATION),
        stop: Stop::of(build.send_interrupt, build.kill_delay, settings.socket.drain),
        rerun: (build.rerun == Some(true)).then(|| Rerun::of(build.rerun_delay, build.rerun_cmd)),
        style: style::style(&settings.log, &settings.screen, &settings.color, cli),
        clean_on_exit: settings.clean_on_exit.unwrap_or_default(),
        at_exit: build.post_cmd,
        warnings,
        notes,
        settings: file,
        tmp,
        root,
    })
}

/// The files with variables that are watched, and those that hotrun reads.
fn env_files(root: &Path, settings: &Settings) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let watched: Vec<PathBuf> = match &settings.env_files {
        Some(named) => named.iter().map(|file| root.join(file)).collect(),
        None => vec![root.join(".env")],
    };
    // air reads no `.env` by itself. Its programs often do, so an edit of it is a change there, too.
    let is_unread = settings.is_airs && settings.env_files.is_none();
    (watched.clone(), if is_unread { Vec::new() } else { watched })
}
