//! Servers that do not listen soon after their start.

use std::mem;
use std::time::Duration;

use crate::generation::{Generation, Readiness};
use crate::idle;
use crate::report::spoken;
use crate::supervisor::Event;

use super::Flow;
use super::program::Program;
use super::timers::Due;

/// From one look at a server that is not ready to the next.
pub(super) const LOOK: Duration = Duration::from_millis(500);

/// After this time hotrun says that a server does not listen.
const SILENCE: Duration = Duration::from_secs(2);

impl Program {
    /// Looks at a server that is not ready. A program that rests and has bound nothing is a worker. Of others a line says that hotrun waits.
    pub(super) fn look(&mut self, id: u32) -> Flow {
        let serves = self.generations.values().any(|one| one.is_ready() && one.shares());
        let Some(generation) = self.generations.get_mut(&id).filter(|one| !one.is_ready()) else {
            return Ok(true);
        };
        let rested = generation.silence.rests;
        generation.silence.rests = idle::rests(generation.tree());
        let waited = generation.began.elapsed();
        let (is_worker, rests) = (generation.is_worker() && !serves, rested && generation.silence.rests);
        if waited >= SILENCE && is_worker && rests {
            let sign = generation.becomes_ready(Readiness::Rests);
            return self.signed(id, sign);
        }
        if waited >= SILENCE && !mem::replace(&mut generation.silence.is_said, true) {
            let words = self.silent(id, waited);
            self.report.runner(&words);
        }
        self.timers.set(LOOK, Due::Look(id));
        Ok(true)
    }

    /// A worker listens after all: from now on it is a server.
    pub(super) fn listens_late(&mut self, id: u32) -> Flow {
        let Some(generation) = self.generations.get_mut(&id).filter(|one| one.is_late_server()) else {
            return Ok(true);
        };
        generation.silence.is_worker = false;
        let (shares, holds) = (generation.shares(), generation.holds());
        let words =
            format!("server {id} listens after {}: it is no worker", spoken(generation.began.elapsed()));
        self.report.runner(&words);
        self.said.way = false;
        self.say_way(id);
        self.apply(Event::Ready { server: id, shares, holds })
    }

    fn silent(&self, id: u32, waited: Duration) -> String {
        let generation = self.generations.get(&id);
        let what = match (&self.plan.ready.http, generation.is_some_and(Generation::is_bound)) {
            (Some(path), true) => format!("listens, but `{path}` has not answered with 2xx"),
            _ => "has not listened".to_owned(),
        };
        let longest = spoken(self.plan.ready.timeout);
        format!(
            "server {id} {what} after {}; hotrun waits for it, up to {longest} (`ready.timeout`)",
            spoken(waited)
        )
    }
}
