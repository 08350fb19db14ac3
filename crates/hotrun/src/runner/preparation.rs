//! Runs the commands of rules that come before the build.
//!
//! A build waits until the commands that are due have run, one after the other, in the order of the rules. So it reads the files that
//! they have written, and a change of such a file starts no further build.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use crate::build::Built;
use crate::plan::Plan;
use crate::sources::mtime;
use crate::supervisor::Outcome;

use super::{Flow, Program};

/// The rules that are to run before the next build.
#[derive(Debug, Default)]
pub(super) struct Preparation {
    due: BTreeSet<usize>,
    running: Option<usize>,
}

impl Preparation {
    /// Before the first build every rule is due.
    pub(super) fn of(plan: &Plan) -> Self {
        Self { due: places(plan).collect(), running: None }
    }

    pub(super) fn add(&mut self, rule: usize) {
        self.due.insert(rule);
    }
}

fn places(plan: &Plan) -> impl Iterator<Item = usize> {
    plan.rules.iter().enumerate().filter(|(_, rule)| rule.is_before_build).map(|(at, _)| at)
}

impl Program {
    /// True if the build can begin. Otherwise a command is started that is due, unless one runs.
    pub(super) fn is_prepared(&mut self) -> bool {
        if self.preparation.running.is_some() {
            return false;
        }
        let Some(at) = self.preparation.due.pop_first() else { return true };
        self.preparation.running = Some(at);
        self.start_rule(at);
        false
    }

    /// Makes every rule due, as before the first build.
    pub(super) fn prepare_anew(&mut self) {
        self.preparation.due = places(&self.plan).collect();
    }

    /// Takes in the end of a command before the build. `is_again`: files of its pattern have changed while it ran. A failure ends the
    /// build that waits for it, and the rule stays due.
    pub(super) fn prepared(&mut self, at: usize, is_again: bool, failure: Option<(String, String)>) -> Flow {
        self.preparation.running = None;
        if is_again || failure.is_some() {
            self.preparation.add(at);
        }
        let wanted = self.wanted.filter(|wanted| !wanted.is_cancelled && !is_again);
        let (Some((reason, output)), Some(wanted)) = (failure, wanted) else { return Ok(true) };
        let reason = format!("rule `{}`: {reason}", self.plan.rules[at].name);
        let took = self.rules[at].took().unwrap_or(Duration::ZERO);
        let failed = Built { outcome: Outcome::Failed, took, executable: None, reason, output, errors: 0 };
        self.built(wanted.version, &failed)
    }

    /// True if the file belongs to no rule, and was last changed while a command before the build ran. The build that follows the
    /// command reads it.
    pub(super) fn is_read_by_next_build(&self, file: &Path) -> bool {
        if places(&self.plan).next().is_none()
            || self.plan.rules.iter().any(|rule| rule.pattern.matches(file))
        {
            return false;
        }
        let at = fs::symlink_metadata(file).ok().map(|found| mtime::changed_at(&found));
        places(&self.plan).any(|rule| self.rules[rule].has_run_at(at))
    }
}

/// The output of a command, as text without colours.
pub(super) fn text(output: &Output) -> String {
    let bytes = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    anstream::adapter::strip_str(&String::from_utf8_lossy(&bytes)).to_string()
}
