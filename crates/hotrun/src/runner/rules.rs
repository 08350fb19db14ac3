//! Runs the commands of `[[build.rules]]`.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Output;
use std::thread;
use std::time::SystemTime;

use crate::journal::Event;
use crate::report::{Lines, Stream};
use crate::sources::mtime;

use super::rule_state::Consequence;
use super::{Program, ProgramInput};

impl Program {
    /// Has the commands run for these files. The first rule that matches a file takes it, as in air.
    pub(super) fn handle(&mut self, files: &[PathBuf]) {
        let mut due = BTreeSet::new();
        for file in files {
            let Some(at) = self.plan.rules.iter().position(|rule| rule.pattern.matches(file)) else {
                continue;
            };
            let changed = fs::symlink_metadata(file).ok().map(|found| mtime::changed_at(&found));
            match self.rules[at].changed(file, changed, SystemTime::now()) {
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
    }

    pub(super) fn rule_ended(&mut self, at: usize, when: SystemTime, ended: io::Result<Output>) {
        let name = &self.plan.rules[at].name;
        let (ok, reason) = match &ended {
            Ok(output) if output.status.success() => (true, String::new()),
            Ok(output) => (false, output.status.to_string()),
            Err(error) => (false, error.to_string()),
        };
        for text in ended.iter().flat_map(|output| [&output.stdout, &output.stderr]) {
            self.report.output_of_rule(text);
        }
        self.report.event(Event::RuleEnded { name: name.clone(), ok, reason });
        match ended {
            Ok(output) => {
                Lines::new(&self.report, Stream::Out).pass_on(&output.stdout);
                Lines::new(&self.report, Stream::Err).pass_on(&output.stderr);
                if !output.status.success() {
                    self.report.warning(&format!("rule `{name}`: {}", output.status));
                }
            }
            Err(error) => self.report.warning(&format!("rule `{name}` cannot be run: {error}")),
        }
        if self.rules[at].ends(when) {
            self.start_rule(at);
        }
    }

    fn start_rule(&mut self, at: usize) {
        let rule = &self.plan.rules[at];
        self.report.event(Event::Rule { name: rule.name.clone(), command: rule.cmd.clone() });
        self.report.build(&format!("runs: {}", rule.cmd));
        let mut shell = self.shell(&rule.cmd);
        let (sender, delay) = (self.sender.clone(), rule.delay);
        let run = move || {
            thread::sleep(delay);
            let ended = shell.output();
            // Not earlier than any time that the kernel has given to a file of this run, and the begin is not later.
            sender.send(ProgramInput::RuleEnded(at, SystemTime::now(), ended));
        };
        let begins = mtime::now() + delay;
        match thread::Builder::new().name("rule".to_owned()).spawn(run) {
            Ok(_) => self.rules[at].begins(begins),
            Err(error) => self.report.warning(&format!("rule `{}` cannot be run: {error}", rule.name)),
        }
    }
}
