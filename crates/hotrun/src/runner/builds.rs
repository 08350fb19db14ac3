//! Takes in the ends of builds.

use std::mem;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::json;

use crate::build::Built;
use crate::inputs::{self, Inputs};
use crate::job;
use crate::plan::What;
use crate::report::spoken;
use crate::sources::Sources;
use crate::supervisor::{Event, Outcome};

use super::{Flow, Input, Runner};

impl Runner {
    pub(super) fn built(&mut self, version: u32, built: &Built) -> Flow {
        if let (Some(building), Some(watchdog)) = (self.building.take(), &self.watchdog)
            && let Some(tree) = building.tree()
        {
            watchdog.forget(tree.leader());
        }
        let mut outcome = built.outcome;
        match built.outcome {
            Outcome::Good | Outcome::Same(_) => {
                self.report.build(&format!("built in {}", spoken(built.took)));
                let program = match &self.plan.program.what {
                    What::Built => built.executable.clone(),
                    What::File(path) => Some(path.clone()),
                    What::Shell(_) => None,
                };
                let same = program.as_ref().and_then(|program| self.same_program(program));
                if let Some(other) = same {
                    self.newest = program.map(|program| (other, program));
                    outcome = Outcome::Same(other);
                } else if let Some(program) = program {
                    let sender = self.sender.clone();
                    self.binary_cache
                        .keep(version, &program, move || drop(sender.send(Input::Copied(version))));
                    self.newest = Some((version, program));
                }
            }
            Outcome::Failed => {
                self.failure = format!("after {}, {}", spoken(built.took), built.reason);
                self.diagnosis.output.clone_from(&built.output);
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
            Outcome::Good => "good",
            Outcome::Same(_) => "same",
            Outcome::Failed => "failed",
            Outcome::Cancelled => "cancelled",
        };
        let took = u64::try_from(built.took.as_millis()).unwrap_or(u64::MAX);
        let ended =
            json!({ "version": version, "outcome": outcome, "took_ms": took, "reason": built.reason });
        self.report.journal().add("built", ended.clone());
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
        let Some(sources) = self.sources.clone() else { return };
        let began = SystemTime::now() - built.took;
        match (built.outcome, &self.newest) {
            (Outcome::Good, Some((_, program))) => {
                let program = program.clone();
                let learn = move |sources: Arc<Sources>| sources.learn(version, inputs::of(&program), began);
                if let Err((_, Some(sources))) = job::start("inputs", sources, learn) {
                    sources.learn(version, Inputs::default(), began);
                }
            }
            (Outcome::Cancelled, _) => {}
            _ => sources.learn(version, Inputs::default(), began),
        }
    }
}
