//! Runs the commands of `[[build.rules]]`.

use std::io;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread;

use crate::report::Report;

use super::rule_state::RuleState;
use super::{Input, Runner};

impl Runner {
    /// Has the commands run for these files. The first rule that matches a file takes it, as in air.
    pub(super) fn handle(&mut self, files: &[PathBuf]) {
        let rule_of = |file: &PathBuf| self.plan.rules.iter().position(|rule| rule.pattern.matches(file));
        let mut due: Vec<usize> = files.iter().filter_map(rule_of).collect();
        due.sort_unstable();
        due.dedup();
        for at in due {
            match self.rules[at] {
                RuleState::Rests => self.start_rule(at),
                RuleState::Runs | RuleState::RunsAgain => self.rules[at] = RuleState::RunsAgain,
            }
        }
    }

    pub(super) fn rule_ended(&mut self, at: usize, ended: io::Result<Output>) {
        let name = &self.plan.rules[at].name;
        match ended {
            Ok(output) => {
                Report::output(&output.stdout);
                Report::compiler(&output.stderr);
                if !output.status.success() {
                    self.report.warning(&format!("rule `{name}`: {}", output.status));
                }
            }
            Err(error) => self.report.warning(&format!("rule `{name}` cannot be run: {error}")),
        }
        if std::mem::take(&mut self.rules[at]) == RuleState::RunsAgain {
            self.start_rule(at);
        }
    }

    fn start_rule(&mut self, at: usize) {
        let rule = &self.plan.rules[at];
        self.report.build(&format!("runs: {}", rule.cmd));
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(&rule.cmd).current_dir(&self.plan.build.dir).stdin(Stdio::null());
        shell.envs(self.environment.variables());
        shell.envs(self.plan.build.env.iter().map(|(name, value)| (name, value)));
        let (sender, delay) = (self.sender.clone(), rule.delay);
        let run = move || {
            thread::sleep(delay);
            drop(sender.send(Input::RuleEnded(at, shell.output())));
        };
        match thread::Builder::new().name("rule".to_owned()).spawn(run) {
            Ok(_) => self.rules[at] = RuleState::Runs,
            Err(error) => self.report.warning(&format!("rule `{}` cannot be run: {error}", rule.name)),
        }
    }
}
