//! Runs the four demos, and their counterparts if these are wanted. Makes edits in all of them.

use std::path::PathBuf;

use conformance::Failed;

use super::{
    edit::Edit,
    outcome::{Made, Outcome},
    subject::Subject,
};

/// The running servers. They end when this is dropped.
pub(crate) struct DemoRunner {
    demos: Vec<Subject>,
    counterparts: Vec<Subject>,
    edits: u64,
}

impl DemoRunner {
    /// Starts the programs, each in its own folder with a copy of the configuration and a file that sets its port. The ports
    /// begin at `first`; a port that is taken is replaced by any free one. If `first` is 0, each demo binds a free port itself.
    pub(crate) fn open(programs: &[PathBuf], first: u16) -> Result<DemoRunner, Failed> {
        let wanted = |nth| first.checked_add(nth).filter(|_| first > 0);
        let demos = programs.iter().zip(0..).map(|(program, nth)| Subject::demo(program, wanted(nth)));
        Ok(DemoRunner { demos: demos.collect::<Result<_, _>>()?, counterparts: Vec::new(), edits: 0 })
    }

    /// Starts the counterparts, in the order of the demos. Those that run already end.
    pub(crate) fn start_counterparts(&mut self, programs: &[PathBuf]) -> Result<(), Failed> {
        self.counterparts.clear();
        let started = programs.iter().map(|program| Subject::counterpart(program));
        self.counterparts = started.collect::<Result<_, _>>()?;
        Ok(())
    }
    pub(crate) fn end_counterparts(&mut self) {
        self.counterparts.clear();
    }

    /// The demos, in order.
    pub(crate) fn demos(&self) -> &[Subject] {
        &self.demos
    }

    /// The counterparts, in the order of the demos. None if they do not run.
    pub(crate) fn counterparts(&self) -> &[Subject] {
        &self.counterparts
    }

    /// Makes an edit in one server after another, so that they do not disturb each other's times.
    pub(crate) fn make(&mut self, edit: Edit) -> Made {
        self.edits += 1;
        let mut words = String::new();
        let mut outcomes = Vec::new();
        for subject in self.demos.iter().chain(&self.counterparts) {
            let outcome = subject.draft(edit, self.edits).and_then(|draft| {
                words.clone_from(&draft.words);
                subject.save(&draft)
            });
            let unanswered =
                |failed: Failed| Outcome::Unanswered(failed.message().unwrap_or_default().to_owned());
            outcomes.push(outcome.unwrap_or_else(unanswered));
        }
        Made { edit, words, outcomes }
    }
}
