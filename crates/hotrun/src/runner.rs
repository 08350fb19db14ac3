//! The main loop: takes inputs from threads, asks the supervisor, does its actions.

mod actions;
mod builds;
mod calls;
mod cut;
mod events;
mod input;
mod messages;
mod outage_state;
mod outages;
mod rule_state;
mod rules;
mod sockets;
mod timers;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use intercept::Listeners;
use process_tree::Watchdog;
use serde_json::Value;

use crate::binary_cache::BinaryCache;
use crate::build::Building;
use crate::check;
use crate::control::ControlSocket;
use crate::environment::Environment;
use crate::error::Error;
use crate::generation::Generation;
use crate::outage::Page;
use crate::plan::{How, Plan};
use crate::proxy::Proxy;
use crate::report::Report;
use crate::socket_mode::{self, Chosen, SocketMode};
use crate::sources::Sources;
use crate::supervisor::{Event, Rules, Supervisor};
use crate::tmp_dir::TmpDir;

use self::input::Input;
use self::outage_state::OutageState;
use self::rule_state::RuleState;
use self::timers::Timers;

/// `false` ends the loop, an error too.
type Flow = Result<bool, Error>;

/// Runs the plan until a signal ends it.
pub(crate) fn run(plan: Plan) -> Result<(), Error> {
    let mut runner = Runner::open(plan)?;
    let end = runner.follow();
    runner.close();
    end
}

struct Runner {
    plan: Plan,
    report: Report,
    /// Variables of `env_files`.
    environment: Environment,
    supervisor: Supervisor,
    chosen: Chosen,
    owned: Arc<Listeners>,
    proxy: Option<Proxy>,
    /// air's `[proxy]`.
    _front: Option<Proxy>,
    watchdog: Option<Watchdog>,
    sources: Option<Arc<Sources>>,
    tmp_dir: TmpDir,
    binary_cache: BinaryCache,
    building: Option<Building>,
    /// The last version that was built, and its program.
    newest: Option<(u32, PathBuf)>,
    /// Sources that are not compiled changed since the last good build.
    changed_beside: bool,
    generations: BTreeMap<u32, Generation>,
    /// The reason why the last build failed, for a message.
    failure: String,
    /// The last failure, for the page about an outage and for requests.
    diagnosis: Page,
    /// There was a failure since the last build began, or since the last request.
    has_failed: bool,
    /// The last build that has ended, for requests.
    last_build: Option<Value>,
    /// The requests that wait for the outcome of a build or of a start.
    waiting: Vec<Sender<String>>,
    control: Option<ControlSocket>,
    outage: OutageState,
    /// The states of the commands of the plan's rules, in the order of the rules.
    rules: Vec<RuleState>,
    /// The end of each server, for the message about it.
    endings: BTreeMap<u32, String>,
    /// The next start runs `rerun_cmd`.
    reruns: bool,
    said: Said,
    timers: Timers,
    sender: Sender<Input>,
    inputs: Receiver<Input>,
}

/// The messages that are printed once.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    /// The addresses, and the way in which they are owned.
    way: bool,
    /// The requests that were cut.
    cut: bool,
}

impl Runner {
    fn open(plan: Plan) -> Result<Runner, Error> {
        let report = Report::new(plan.style.clone(), plan.root.clone());
        for note in &plan.notes {
            report.main(note);
        }
        for warning in &plan.warnings {
            report.warning(warning);
        }
        for (topic, words) in check::lines(&plan) {
            report.debug(&format!("{topic:<9} {words}"));
        }
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
        let front = plan.front.as_ref().map(sockets::start_front).transpose()?;
        let (sender, inputs) = mpsc::channel();
        if let Err(error) = process_tree::adopt_orphans() {
            report
                .warning(&format!("processes that detach themselves from the program may be left: {error}"));
        }
        let watchdog = Watchdog::start().inspect_err(|error| {
            report.warning(&format!(
                "the server is not ended if hotrun is killed: the watchdog cannot be started: {error}"
            ));
        });
        input::listen_to_signals(sender.clone())?;
        let rules = Rules {
            builds: !matches!(plan.build.how, How::Nothing),
            stop_on_error: plan.build.stop_on_error,
            rerun: plan.rerun.is_some(),
        };
        let calls = sender.clone();
        let control = ControlSocket::open(&plan.root, move |call| drop(calls.send(Input::Call(call))));
        let control = control.inspect_err(|error| {
            report.warning(&format!("`hotrun status` and the like do not reach this hotrun: {error}"));
        });
        let plan_rules = plan.rules.iter().map(|_| RuleState::default()).collect();
        Ok(Runner {
            supervisor: Supervisor::new(rules),
            tmp_dir,
            binary_cache: BinaryCache::new(plan.tmp.join("kept")),
            plan,
            report,
            chosen,
            owned,
            proxy,
            _front: front,
            watchdog: watchdog.ok(),
            sources: None,
            building: None,
            newest: None,
            changed_beside: false,
            generations: BTreeMap::new(),
            failure: String::new(),
            diagnosis: Page { reason: String::new(), output: String::new() },
            has_failed: false,
            last_build: None,
            waiting: Vec::new(),
            control: control.ok(),
            outage: OutageState::default(),
            rules: plan_rules,
            environment,
            endings: BTreeMap::new(),
            reruns: false,
            said: Said::default(),
            timers: Timers::default(),
            sender,
            inputs,
        })
    }

    /// Runs until the supervisor ends it.
    fn follow(&mut self) -> Result<(), Error> {
        let changes = self.sender.clone();
        let tell = move |files| drop(changes.send(Input::Changes(files)));
        let sources = Sources::open(self.plan.sources.clone(), tell)
            .map_err(|error| Error::unfit(format!("sources cannot be watched: {error}")))?;
        self.sources = Some(Arc::new(sources));
        if !self.apply(Event::Changed)? {
            return Ok(());
        }
        loop {
            while let Some(event) = self.timers.due() {
                if !self.due(event)? {
                    return Ok(());
                }
            }
            self.see_outage();
            self.answer_waiting();
            let wait = self.timers.next().unwrap_or(Duration::from_hours(1));
            match self.inputs.recv_timeout(wait) {
                Ok(input) => {
                    if !self.hear(input)? {
                        return Ok(());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    /// Gives the event to the supervisor, and does its actions.
    fn apply(&mut self, event: Event) -> Flow {
        for action in self.supervisor.on(event) {
            if !self.act(action)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Ends every process, and removes hotrun's files.
    fn close(&mut self) {
        self.sources = None;
        self.control = None;
        self.end_outage();
        self.outage.join();
        if let Some(building) = self.building.take() {
            building.cancel();
        }
        for generation in self.generations.values() {
            generation.kill();
        }
        process_tree::sweep();
        for line in &self.plan.at_exit {
            match self.shell(line).status() {
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
    fn shell(&self, line: &str) -> Command {
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(line).current_dir(&self.plan.build.dir).stdin(Stdio::null());
        shell.envs(self.environment.variables());
        shell.envs(self.plan.build.env.iter().map(|(name, value)| (name, value)));
        shell
    }
}
