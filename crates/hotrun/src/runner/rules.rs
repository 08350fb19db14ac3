//! Runs the commands of `[[build.rules]]`.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Output;
use std::thread;
use std::time::{Duration, SystemTime};

use crate::journal::Event;
use crate::report::{Lines, Stream};
use crate::sources::mtime;

use super::rule_state::Consequence;
use super::{Flow, Program, ProgramInput, preparation};

/// Upper bound on the wait for the next tick of the kernel's clock, in milliseconds. It has 100 ticks a second or more.
const MOST_WAITS: u32 = 50;

impl Program {
    /// Has the commands run for these files, now or before the next build. The first rule that matches a file takes it, as in air.
    /// Returns files of rules before the build that cause none: the commands have written them, or will run again for them.
    pub(super) fn handle(&mut self, files: &[PathBuf]) -> BTreeSet<PathBuf> {
        let mut due = BTreeSet::new();
        let mut idle = BTreeSet::new();
        for file in files {
            let Some(at) = self.plan.rules.iter().position(|rule| rule.pattern.matches(file)) else {
                continue;
            };
            let changed = fs::symlink_metadata(file).ok().map(|found| mtime::changed_at(&found));
            if self.plan.rules[at].cmd.is_empty() {
                continue;
            }
            let consequence = self.rules[at].changed(file, changed, SystemTime::now());
            if consequence != Consequence::Run {
                idle.insert(file.clone());
            }
            match consequence {
                Consequence::Run if self.plan.rules[at].is_before_build => self.preparation.add(at),
                Consequence::Run => drop(due.insert(at)),
                Consequence::None => {}
                Consequence::GivenUp => self.report.warning(&format!(
                    "rule `{}` changes its own files in each run (`{}`): it rests until another change; `exclude_regex` leaves \
                     out what it writes",
                    self.plan.rules[at].name,
                    self.report.name(file)
                )),
            }
        }
        for at in due {
            self.start_rule(at);
        }
        idle
    }

    pub(super) fn rule_ended(&mut self, at: usize, when: SystemTime, ended: io::Result<Output>) -> Flow {
        let is_again = self.rules[at].ends(when);
        let rule = &self.plan.rules[at];
        let name = &rule.name;
        let failure = match &ended {
            Ok(output) if output.status.success() => None,
            Ok(output) => Some((output.status.to_string(), preparation::text(output))),
            Err(error) => Some((format!("cannot be run: {error}"), String::new())),
        };
        for text in ended.iter().flat_map(|output| [&output.stdout, &output.stderr]) {
            self.report.output_of_rule(text);
        }
        let (ok, reason) = (failure.is_none(), failure.as_ref().map(|(reason, _)| reason.clone()));
        let reason = reason.unwrap_or_default();
        self.report.event(Event::RuleEnded { name: name.clone(), ok, reason });
        match ended {
            Ok(output) => {
                Lines::new(&self.report, Stream::Out).pass_on(&output.stdout);
                Lines::new(&self.report, Stream::Err).pass_on(&output.stderr);
                if !output.status.success() && !rule.is_before_build {
                    self.report.warning(&format!("rule `{name}`: {}", output.status));
                }
            }
            Err(_) if rule.is_before_build => {}
            Err(error) => self.report.warning(&format!("rule `{name}` cannot be run: {error}")),
        }
        if rule.is_before_build {
            return self.prepared(at, is_again, failure);
        }
        if is_again {
            self.start_rule(at);
        }
        Ok(true)
    }

    pub(super) fn start_rule(&mut self, at: usize) {
        let rule = &self.plan.rules[at];
        self.report.event(Event::Rule { name: rule.name.clone(), command: rule.cmd.clone() });
        self.report.build(&format!("runs: {}", rule.cmd));
        let mut shell = self.shell(&rule.cmd);
        let (sender, delay, is_before_build) = (self.sender.clone(), rule.delay, rule.is_before_build);
        let run = move || {
            thread::sleep(delay);
            let ended = shell.output();
            // Not earlier than any time that the kernel has given to a file of this run, and the begin is not later.
            let when = if is_before_build { end_of_tick() } else { SystemTime::now() };
            sender.send(ProgramInput::RuleEnded(at, when, ended));
        };
        let begins = mtime::now() + delay;
        match thread::Builder::new().name("rule".to_owned()).spawn(run) {
            Ok(_) => self.rules[at].begins(begins),
            Err(error) => {
                self.report.warning(&format!("rule `{}` cannot be run: {error}", rule.name));
                let never = ProgramInput::RuleEnded(at, begins, Err(error));
                self.rules[at].begins(begins);
                self.sender.send(never);
            }
        }
    }
}

/// The time now, when every file that is changed from then on has a later one.
fn end_of_tick() -> SystemTime {
    let now = SystemTime::now();
    for _ in 0..MOST_WAITS {
        if mtime::now() > now {
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    now
}
