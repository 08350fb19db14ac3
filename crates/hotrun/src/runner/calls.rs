//! Answers the requests of scripts and editors.

use std::mem;
use std::process;
use std::sync::mpsc::SyncSender;

use crate::control::{Call, Request};
use crate::journal::{self, NamedStatus, Programs, Record, RequestResult, Status, StopReason};
use crate::supervisor::Event;

use super::{Flow, Program, Runner};

/// A request that waits for the outcomes of some programs.
pub(super) struct Waiting {
    answer: SyncSender<String>,
    /// The places of the programs, and the outcomes that are known.
    outcomes: Vec<(usize, Option<RequestResult>)>,
}

impl Runner {
    pub(super) fn call(&mut self, call: Call) -> Flow {
        let answer = call.answer;
        match call.request {
            Request::Status => send(&answer, journal::Event::Status(self.status())),
            Request::Logs { since_build, follow, program } => {
                let Some(_) = self.chosen(program.as_deref(), &answer) else { return Ok(true) };
                self.report.journal().send(answer, program, since_build, follow);
            }
            Request::Reload { wait, program } => {
                let Some(chosen) = self.chosen(program.as_deref(), &answer) else { return Ok(true) };
                for at in &chosen {
                    self.programs[*at].report.watcher("a build is asked for");
                }
                return self.begin(answer, wait, Event::Changed, &chosen);
            }
            Request::Restart { wait, program } => {
                let Some(chosen) = self.chosen(program.as_deref(), &answer) else { return Ok(true) };
                for at in &chosen {
                    self.programs[*at].report.runner("the program is started again, as asked for");
                }
                return self.begin(answer, wait, Event::Renewed, &chosen);
            }
            Request::Stop => {
                // The end of this process closes the connection, and tells the client.
                mem::forget(answer);
                return self.stop(StopReason::Request, "ends, as asked for");
            }
        }
        Ok(true)
    }

    /// The places of the program of this name, or of all programs. If there is none, answers that.
    fn chosen(&self, name: Option<&str>, answer: &SyncSender<String>) -> Option<Vec<usize>> {
        let Some(name) = name else { return Some((0..self.programs.len()).collect()) };
        let names: Vec<Option<&str>> =
            self.programs.iter().map(|program| program.plan.name.as_deref()).collect();
        if let Some(at) = names.iter().position(|one| *one == Some(name)) {
            return Some(vec![at]);
        }
        let listed: Vec<String> = names.into_iter().flatten().map(|name| format!("`{name}`")).collect();
        let there = match listed.as_slice() {
            [] => "this hotrun runs one program, without a name".to_owned(),
            _ => format!("there is {}", listed.join(", ")),
        };
        let reason = format!("no program is called `{name}`; {there}");
        let refusal = RequestResult { usage: true, ..RequestResult::failed(reason, String::new()) };
        send(answer, journal::Event::Result(refusal));
        None
    }

    /// Gives the event to these programs. `wait`: the answer is the outcome.
    fn begin(&mut self, answer: SyncSender<String>, wait: bool, event: Event, programs: &[usize]) -> Flow {
        if wait {
            let outcomes = programs.iter().map(|at| (*at, None)).collect();
            self.waiting.push(Waiting { answer, outcomes });
        } else {
            send(&answer, journal::Event::Result(RequestResult::good(None, "begun".to_owned())));
        }
        let mut goes_on = true;
        for at in programs {
            goes_on = self.one(*at, |program| program.begin(event))?;
        }
        Ok(goes_on)
    }

    /// Answers those who wait for outcomes, if nothing that they wait for is under way any more.
    pub(super) fn answer_waiting(&mut self) {
        let mut waiting = mem::take(&mut self.waiting);
        waiting.retain_mut(|waiting| {
            for (at, outcome) in &mut waiting.outcomes {
                *outcome = outcome.take().or_else(|| self.programs[*at].outcome());
            }
            if waiting.outcomes.iter().any(|(_, outcome)| outcome.is_none()) {
                return true;
            }
            send(&waiting.answer, journal::Event::Result(self.result(&waiting.outcomes)));
            false
        });
        self.waiting = waiting;
    }

    /// The outcomes as one result. With several programs each part begins with a name.
    fn result(&self, outcomes: &[(usize, Option<RequestResult>)]) -> RequestResult {
        if let [(_, Some(outcome))] = outcomes {
            return outcome.clone();
        }
        let named = |(at, outcome): &(usize, Option<RequestResult>)| {
            (self.programs[*at].plan.name.clone().unwrap_or_default(), outcome.clone().unwrap_or_default())
        };
        let all: Vec<(String, RequestResult)> = outcomes.iter().map(named).collect();
        let (good, failed): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, outcome)| outcome.ok);
        let lines = |of: Vec<(String, String)>| {
            of.into_iter().map(|(name, words)| format!("{name}: {words}")).collect::<Vec<_>>().join("\n")
        };
        if failed.is_empty() {
            let texts = good.into_iter().map(|(name, outcome)| (name, outcome.text));
            return RequestResult::good(None, lines(texts.collect()));
        }
        let mut outputs: Vec<String> = failed.iter().map(|(_, outcome)| outcome.output.clone()).collect();
        // A build that several programs share has one output.
        outputs.dedup();
        let reasons = failed.into_iter().map(|(name, outcome)| (name, outcome.reason));
        RequestResult::failed(lines(reasons.collect()), outputs.join("\n"))
    }

    /// The state of the only program, or that of each.
    fn status(&self) -> Status {
        let plan = &self.programs[0].plan;
        let programs = if let [only] = self.programs.as_slice() {
            Programs::One(only.status())
        } else {
            let named = |program: &Program| NamedStatus {
                program: program.plan.name.clone().unwrap_or_default(),
                status: program.status(),
            };
            Programs::Several { programs: self.programs.iter().map(named).collect() }
        };
        Status { process: process::id(), root: plan.shown_root(), settings: plan.shown_settings(), programs }
    }
}

/// Sends a line of an answer. The queue has room for it.
fn send(answer: &SyncSender<String>, event: journal::Event) {
    let _ = answer.try_send(Record::now(None, event).line());
}
