//! The main loop: takes inputs from threads, and hands each to the programs that it concerns.

mod actions;
mod builds;
mod calls;
mod cut;
mod events;
mod input;
mod keys;
mod messages;
mod outage_state;
mod outages;
mod output;
mod preparation;
mod program;
mod rule_state;
mod rules;
mod shared_builds;
mod silence;
mod sockets;
mod status;
mod status_line;
mod timers;

use std::collections::BTreeSet;
use std::process;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use process_tree::Watchdog;

use crate::check;
use crate::control::ControlSocket;
use crate::error::Error;
use crate::generation::ServerEvent;
use crate::journal::{self, StopReason};
use crate::plan::{Plan, SharedBuild};
use crate::proxy::Proxy;
use crate::report::{EventWriter, Report, Volume};
use crate::sources::{Changes, Sources};
use crate::supervisor::Event;
use crate::terminal::Terminal;

use self::calls::Waiting;
use self::input::{Input, ProgramInput, ProgramSender};
use self::program::Program;
use self::shared_builds::BuildState;

/// `false` ends the program, or the loop if no other program is left. An error ends the loop.
type Flow = Result<bool, Error>;

/// Runs the plans of all programs until a signal ends them. There is at least one.
pub(crate) fn run(plans: Vec<Plan>) -> Result<(), Error> {
    let mut runner = Runner::open(plans)?;
    let end = runner.follow();
    runner.close();
    end
}

struct Runner {
    report: Report,
    /// Writes the events to stdout, with `--json`.
    events: Option<EventWriter>,
    programs: Vec<Program>,
    /// The places of the programs that have not ended.
    running: BTreeSet<usize>,
    builds: Vec<BuildState>,
    /// air's `[proxy]`.
    _front: Option<Proxy>,
    watchdog: Option<Rc<Watchdog>>,
    control: Option<ControlSocket>,
    terminal: Option<Terminal>,
    /// The changes since the user has asked for a pause.
    paused: Option<Changes>,
    /// The requests that wait for the outcome of builds or of starts.
    waiting: Vec<Waiting>,
    sender: Sender<Input>,
    inputs: Receiver<Input>,
}

impl Runner {
    fn open(plans: Vec<Plan>) -> Result<Runner, Error> {
        let report = Report::new(plans[0].style.clone(), plans[0].root.clone());
        let (sender, inputs) = mpsc::channel();
        let reader = sender.clone();
        let events = report.write_events(move || drop(reader.send(Input::Unread)))?;
        let (process, root) = (process::id(), plans[0].shown_root());
        report.event(journal::Event::Begin { process, root, settings: plans[0].shown_settings() });
        let reports = report.of_programs(plans.iter().map(|plan| plan.name.as_deref()));
        for (plan, report) in plans.iter().zip(&reports) {
            for note in &plan.notes {
                report.main(note);
            }
            for warning in &plan.warnings {
                report.warning(warning);
            }
            // The lines count the files, which takes long in a large tree.
            if plan.style.volume == Volume::Debug {
                for (topic, words) in check::lines(plan) {
                    report.debug(&format!("{topic:<9} {words}"));
                }
            }
        }
        let builds = SharedBuild::of(plans.iter().map(|plan| &plan.build)).into_iter().map(BuildState::new);
        let builds = builds.collect();
        let front = plans.iter().find_map(|plan| plan.front.clone());
        let root = plans[0].root.clone();
        let mut programs = Vec::new();
        for (at, (plan, report)) in plans.into_iter().zip(reports).enumerate() {
            let sender = ProgramSender::new(at, sender.clone());
            programs.push(Program::open(plan, report, sender)?);
        }
        let front = front.as_ref().map(sockets::start_front).transpose()?;
        if let Err(error) = process_tree::adopt_orphans() {
            report
                .warning(&format!("processes that detach themselves from the program may be left: {error}"));
        }
        let watchdog = Watchdog::start().inspect_err(|error| {
            report.warning(&format!(
                "the server is not ended if hotrun is killed: the watchdog cannot be started: {error}"
            ));
        });
        let watchdog = watchdog.ok().map(Rc::new);
        for program in &mut programs {
            program.watchdog.clone_from(&watchdog);
        }
        input::listen_to_signals(sender.clone())?;
        let calls = sender.clone();
        let control = ControlSocket::open(&root, move |call| drop(calls.send(Input::Call(call))));
        let control = control.inspect_err(|error| {
            report.warning(&format!("`hotrun status` and the like do not reach this hotrun: {error}"));
        });
        let keys = sender.clone();
        let terminal = Terminal::open(move |key| drop(keys.send(Input::Key(key))));
        Ok(Runner {
            report,
            events,
            running: (0..programs.len()).collect(),
            programs,
            builds,
            _front: front,
            watchdog,
            control: control.ok(),
            terminal,
            paused: None,
            waiting: Vec::new(),
            sender,
            inputs,
        })
    }

    /// Runs until the last program has ended.
    fn follow(&mut self) -> Result<(), Error> {
        self.report.open_status_line();
        if self.terminal.is_some() {
            self.report.main("`h` shows the keys");
        }
        let changes = self.sender.clone();
        let tell = move |files| drop(changes.send(Input::Changes(files)));
        let rules = self.programs.iter().map(|program| program.plan.sources.clone()).collect();
        let sources = Sources::open(rules, tell)
            .map_err(|error| Error::unfit(format!("sources cannot be watched: {error}")))?;
        let sources = Arc::new(sources);
        for program in &mut self.programs {
            program.sources = Some(Arc::clone(&sources));
        }
        drop(sources);
        let mut goes_on = self.each(|program| program.apply(Event::Changed))?;
        while goes_on {
            if !self.each(Program::all_due)? {
                break;
            }
            self.programs.iter_mut().for_each(Program::see_outage);
            self.see_builds();
            self.answer_waiting();
            self.show_status();
            let next = self.programs.iter().filter_map(|program| program.timers.next()).min();
            match self.inputs.recv_timeout(next.unwrap_or(Duration::from_hours(1))) {
                Ok(input) => goes_on = self.hear(input)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Ok(())
    }

    fn hear(&mut self, input: Input) -> Flow {
        match input {
            Input::Changes(changes) if self.is_paused(&changes) => Ok(true),
            Input::Changes(changes) => self.changed(&changes),
            Input::Built(at, ended) => self.built(at, &ended),
            Input::Progress(at, progress) => {
                self.builds[at].progress = Some(progress);
                Ok(true)
            }
            Input::Program(at, input) => {
                if let Some(words) = self.taken_by_another(at, &input) {
                    self.programs[at].report.warning(&words);
                    return Ok(true);
                }
                self.one(at, |program| program.hear(input))
            }
            Input::Call(call) => self.call(call),
            Input::Key(key) => self.key(key),
            Input::TerminalChanged => {
                self.terminal_changed();
                Ok(true)
            }
            Input::Suspend => {
                self.suspend();
                Ok(true)
            }
            Input::Quit => self.stop(StopReason::Signal, "ends"),
            Input::Unread => {
                self.stop(StopReason::Reader, "ends: nobody reads the events, since stdout is closed")
            }
        }
    }

    /// Ends in order.
    fn stop(&mut self, reason: StopReason, words: &str) -> Flow {
        self.report.event(journal::Event::Stop { reason });
        self.report.main(words);
        self.each(|program| program.apply(Event::Quit))
    }

    fn changed(&mut self, changes: &Changes) -> Flow {
        for note in &changes.notes {
            self.report.warning(note);
        }
        let is_concerned = |program: &Program| !changes.files[program.at].is_empty();
        if self.programs.iter().any(|program| is_concerned(program) && program.newest.is_some()) {
            self.report.clear();
        }
        self.each(|program| program.changed(&changes.files[program.at]))
    }

    /// The warning about a program that wants a port of another one here.
    fn taken_by_another(&self, at: usize, input: &ProgramInput) -> Option<String> {
        let ProgramInput::ServerEvent(_, ServerEvent::Socket(intercept::Event::Refused { address, .. })) =
            input
        else {
            return None;
        };
        let mut others = self.programs.iter().filter(|other| other.at != at);
        let owner = others.find(|other| other.owned.addresses().contains(address))?;
        let name = owner.plan.name.as_deref().unwrap_or_default();
        Some(format!(
            "`{address}`, which the program wants to listen on, is the port of `{name}`: change one of them"
        ))
    }

    /// Does this with each program. `false` if all have ended.
    fn each(&mut self, act: impl Fn(&mut Program) -> Flow) -> Flow {
        let mut goes_on = true;
        for at in 0..self.programs.len() {
            goes_on = self.one(at, &act)?;
        }
        Ok(goes_on)
    }

    /// Does this with a program, unless it has ended. `false` if all have ended.
    fn one(&mut self, at: usize, act: impl FnOnce(&mut Program) -> Flow) -> Flow {
        if self.running.contains(&at) && !act(&mut self.programs[at])? {
            self.running.remove(&at);
        }
        Ok(!self.running.is_empty())
    }

    /// Ends every process, and removes hotrun's files.
    fn close(&mut self) {
        // From here on commands of the settings write to the terminal, too.
        self.report.close_status_line();
        for program in &mut self.programs {
            program.sources = None;
        }
        self.control = None;
        self.programs.iter_mut().for_each(Program::kill);
        self.builds.iter_mut().for_each(BuildState::cancel);
        process_tree::sweep();
        // The first program may have made the folder of all.
        self.programs.iter_mut().rev().for_each(Program::clean_up);
        self.report.journal().close();
        self.events.take().into_iter().for_each(EventWriter::finish);
    }
}
