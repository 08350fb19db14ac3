//! One program: its supervisor, its servers and its sockets.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;

use intercept::Listeners;
use process_tree::Watchdog;

use crate::binary_cache::BinaryCache;
use crate::environment::Environment;
use crate::error::Error;
use crate::generation::Generation;
use crate::journal::BuildEnd;
use crate::outage::Page;
use crate::plan::{How, Plan};
use crate::proxy::Proxy;
use crate::report::Report;
use crate::socket_mode::{self, Chosen, SocketMode};
use crate::sources::Sources;
use crate::supervisor::{Event, Rules, Supervisor};
use crate::tmp_dir::TmpDir;

use super::Flow;
use super::input::ProgramSender;
use super::outage_state::OutageState;
use super::output::Output;
use super::preparation::Preparation;
use super::rule_state::RuleState;
use super::shared_builds::WantedBuild;
use super::sockets;
use super::status_line::LastOutcome;
use super::timers::{Due, Timers};

pub(super) struct Program {
    /// Its place among the programs.
    pub(super) at: usize,
    pub(super) plan: Plan,
    pub(super) report: Report,
    /// Variables of `env_files`.
    pub(super) environment: Environment,
    pub(super) supervisor: Supervisor,
    pub(super) chosen: Chosen,
    pub(super) owned: Arc<Listeners>,
    pub(super) proxy: Option<Proxy>,
    pub(super) watchdog: Option<Rc<Watchdog>>,
    pub(super) sources: Option<Arc<Sources>>,
    tmp_dir: TmpDir,
    pub(super) binary_cache: BinaryCache,
    /// The build that is wanted or under way.
    pub(super) wanted: Option<WantedBuild>,
    pub(super) newest: Option<Newest>,
    /// Sources that are not compiled changed since the last good build.
    pub(super) changed_beside: bool,
    pub(super) generations: BTreeMap<u32, Generation>,
    /// The reason why the last build failed, for a message.
    pub(super) failure: String,
    /// The last failure, for the page about an outage and for requests.
    pub(super) diagnosis: Page,
    /// There was a failure since the last build began, or since the last request.
    pub(super) has_failed: bool,
    /// The only server was not ready in time, in words. For requests.
    pub(super) overdue: Option<String>,
    /// The last build that has ended, for requests.
    pub(super) last_build: Option<BuildEnd>,
    /// The end of the last build or start, for the status line.
    pub(super) last_outcome: LastOutcome,
    pub(super) outage: OutageState,
    /// The states of the commands of the plan's rules, in the order of the rules.
    pub(super) rules: Vec<RuleState>,
    /// The rules that are to run before the next build.
    pub(super) preparation: Preparation,
    /// The end of each server, for the message about it.
    pub(super) endings: BTreeMap<u32, String>,
    /// The next start runs `rerun_cmd`.
    pub(super) reruns: bool,
    pub(super) said: Said,
    pub(super) timers: Timers,
    pub(super) output: Output,
    pub(super) sender: ProgramSender,
}

/// The last version that was built.
#[derive(Debug)]
pub(super) struct Newest {
    pub(super) version: u32,
    pub(super) program: PathBuf,
    /// A build may have changed the file since.
    pub(super) is_overwritten: bool,
}

/// The messages that are printed once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    /// The addresses, and the way in which they are owned.
    pub(super) way: bool,
    /// The requests that were cut.
    pub(super) cut: bool,
}

impl Program {
    /// Makes its folder, and binds its addresses. Nothing is started yet.
    pub(super) fn open(plan: Plan, report: Report, sender: ProgramSender) -> Result<Self, Error> {
        let mut environment = Environment::of(plan.env_files.clone());
        // A file that cannot be read is among the plan's warnings.
        let _ = environment.read();
        let tmp_dir = TmpDir::make(&plan).map_err(|error| {
            Error::unfit(format!("the folder `{}` cannot be made: {error}", plan.tmp.display()))
        })?;
        let chosen = socket_mode::choose(&plan.sockets);
        let owned = sockets::own(&plan.sockets, chosen.mode)?;
        let is_proxy = chosen.mode == SocketMode::Proxy;
        let proxy = is_proxy.then(|| sockets::start_proxy(&owned)).transpose()?;
        let rules = Rules {
            builds: !matches!(plan.build.how, How::Nothing),
            stop_on_error: plan.build.stop_on_error,
            rerun: plan.rerun.is_some(),
        };
        Ok(Self {
            at: sender.program(),
            supervisor: Supervisor::new(rules),
            tmp_dir,
            binary_cache: BinaryCache::new(plan.tmp.join("kept")),
            rules: plan.rules.iter().map(|_| RuleState::default()).collect(),
            preparation: Preparation::of(&plan),
            plan,
            report,
            chosen,
            owned,
            proxy,
            watchdog: None,
            sources: None,
            wanted: None,
            newest: None,
            changed_beside: false,
            generations: BTreeMap::new(),
            failure: String::new(),
            diagnosis: Page { reason: String::new(), output: String::new() },
            has_failed: false,
            overdue: None,
            last_build: None,
            last_outcome: LastOutcome::default(),
            outage: OutageState::default(),
            environment,
            endings: BTreeMap::new(),
            reruns: false,
            said: Said::default(),
            timers: Timers::default(),
            output: Output::default(),
            sender,
        })
    }

    /// Gives the event to the supervisor, and does its actions.
    pub(super) fn apply(&mut self, event: Event) -> Flow {
        for action in self.supervisor.on(event) {
            if !self.act(action)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes in the events whose time has come.
    pub(super) fn all_due(&mut self) -> Flow {
        while let Some(due) = self.timers.due() {
            let goes_on = match due {
                Due::Event(event) => self.due(event)?,
                Due::Look(server) => self.look(server)?,
            };
            if !goes_on {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Kills its servers.
    pub(super) fn kill(&mut self) {
        self.end_outage();
        self.outage.join();
        for generation in self.generations.values() {
            generation.kill();
        }
    }

    /// Closes its sockets, runs `post_cmd`, and removes hotrun's files. No process of it is left.
    pub(super) fn clean_up(&mut self) {
        self.output.finish_all();
        self.owned.retain(|_| false);
        for line in &self.plan.at_exit {
            let mut shell = self.shell(line);
            if self.plan.style.json {
                shell.stdout(io::stderr());
            }
            match shell.status() {
                Ok(status) if status.success() => {}
                Ok(status) => self.report.warning(&format!("`build.post_cmd` `{line}`: {status}")),
                Err(error) => {
                    self.report.warning(&format!("`build.post_cmd` `{line}` cannot be run: {error}"));
                }
            }
        }
        self.binary_cache.clear();
        if self.plan.clean_on_exit && self.tmp_dir.clean() {
            let folder = self.report.name(&self.plan.tmp);
            self.report.main(&format!("`{folder}` is not empty and stays: hotrun deletes only what it made"));
        }
    }

    /// A command of the settings, for the shell, with the variables and in the folder of the builds.
    pub(super) fn shell(&self, line: &str) -> Command {
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(line).current_dir(&self.plan.build.dir).stdin(Stdio::null());
        shell.envs(self.environment.variables());
        shell.envs(self.plan.build.env.iter().map(|(name, value)| (name, value)));
        shell
    }
}
