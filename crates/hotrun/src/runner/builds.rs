//! Takes in the ends of builds.

use std::mem;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use crate::build::Built;
use crate::inputs::{self, Inputs};
use crate::job;
use crate::journal::{self, BuildEnd, BuildOutcome};
use crate::plan::What;
use crate::report::spoken;
use crate::sources::Sources;
use crate::supervisor::{Event, Outcome};

use super::program::Newest;
use super::status_line::LastOutcome;
use super::{Flow, Program, ProgramInput};

impl Program {
    pub(super) fn built(&mut self, version: u32, built: &Built) -> Flow {
        self.wanted = None;
        self.newest.iter_mut().for_each(|newest| newest.is_overwritten = false);
        let mut outcome = built.outcome;
        match built.outcome {
            Outcome::Good | Outcome::Same(_) => {
                self.report.build(&format!("built in {}", spoken(built.took)));
                self.last_outcome = LastOutcome::Built(built.took);
                let program = match &self.plan.program.what {
                    What::Built => built.executable.clone(),
                    What::File(path) => Some(path.clone()),
                    What::Shell(_) => None,
                };
                let same = program.as_ref().and_then(|program| self.same_program(program));
                if let Some(other) = same {
                    self.newest =
                        program.map(|program| Newest { version: other, program, is_overwritten: false });
                    outcome = Outcome::Same(other);
                } else if let Some(program) = program {
                    let sender = self.sender.clone();
                    self.binary_cache
                        .keep(version, &program, move || sender.send(ProgramInput::Copied(version)));
                    self.newest = Some(Newest { version, program, is_overwritten: false });
                }
            }
            Outcome::Failed => {
                self.failure = format!("after {}, {}", spoken(built.took), built.reason);
                self.diagnosis.output.clone_from(&built.output);
                self.last_outcome = LastOutcome::BuildFailed(built.errors);
            }
            Outcome::Cancelled => {}
        }
        self.note_build(version, outcome, built);
        let goes_on = self.apply(Event::Built(version, outcome));
        self.learn(version, built);
        goes_on
    }

    /// Keeps the end of the build for requests.
    fn note_build(&mut self, version: u32, outcome: Outcome, built: &Built) {
        let outcome = match outcome {
            Outcome::Good => BuildOutcome::Good,
            Outcome::Same(_) => BuildOutcome::Same,
            Outcome::Failed => BuildOutcome::Failed,
            Outcome::Cancelled => BuildOutcome::Cancelled,
        };
        let ended = BuildEnd {
            version,
            outcome,
            took_ms: journal::milliseconds(built.took),
            reason: built.reason.clone(),
        };
        self.report.event(journal::Event::Built(ended.clone()));
        self.last_build = Some(ended);
    }

    /// The version of a server that starts or serves, if its program has the same bytes, and nothing else has changed that it may read.
    fn same_program(&mut self, program: &Path) -> Option<u32> {
        if mem::take(&mut self.changed_beside) {
            return None;
        }
        self.binary_cache.same(program, self.supervisor.running())
    }

    /// Takes the inputs of the build as sources.
    fn learn(&self, version: u32, built: &Built) {
        let (Some(sources), at) = (self.sources.clone(), self.at) else { return };
        let began = SystemTime::now() - built.took;
        match (built.outcome, &self.newest) {
            (Outcome::Good, Some(Newest { program, .. })) => {
                let program = program.clone();
                let learn =
                    move |sources: Arc<Sources>| sources.learn(at, version, inputs::of(&program), began);
                if let Err((_, Some(sources))) = job::start("inputs", sources, learn) {
                    sources.learn(at, version, Inputs::default(), began);
                }
            }
            (Outcome::Cancelled, _) => {}
            _ => sources.learn(at, version, Inputs::default(), began),
        }
    }
}
