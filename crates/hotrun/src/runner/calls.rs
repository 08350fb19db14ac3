//! Answers the requests of scripts and editors.

use std::mem;
use std::process;
use std::sync::mpsc::Sender;

use serde_json::{Value, json};

use crate::control::{Call, Request};
use crate::supervisor::Event;

use super::{Flow, Runner};

/// A request that waits for the outcomes of some programs.
pub(super) struct Waiting {
    answer: Sender<String>,
    /// The places of the programs, and the outcomes that are known.
    outcomes: Vec<(usize, Option<Value>)>,
}

impl Runner {
    pub(super) fn call(&mut self, call: Call) -> Flow {
        let answer = call.answer;
        match call.request {
            Request::Status => drop(answer.send(self.status().to_string())),
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
                self.report.main("ends, as asked for");
                return self.each(|program| program.apply(Event::Quit));
            }
        }
        Ok(true)
    }

    /// The places of the program of this name, or of all programs. If there is none, answers that.
    fn chosen(&self, name: Option<&str>, answer: &Sender<String>) -> Option<Vec<usize>> {
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
        let refusal =
            json!({ "event": "result", "ok": false, "usage": true, "reason": reason, "output": "" });
        let _ = answer.send(refusal.to_string());
        None
    }

    /// Gives the event to these programs. `wait`: the answer is the outcome.
    fn begin(&mut self, answer: Sender<String>, wait: bool, event: Event, programs: &[usize]) -> Flow {
        if wait {
            let outcomes = programs.iter().map(|at| (*at, None)).collect();
            self.waiting.push(Waiting { answer, outcomes });
        } else {
            let _ = answer.send(json!({ "event": "result", "ok": true, "text": "begun" }).to_string());
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
            let _ = waiting.answer.send(self.result(&waiting.outcomes).to_string());
            false
        });
        self.waiting = waiting;
    }

    /// The outcomes as one result. With several programs each part begins with a name.
    fn result(&self, outcomes: &[(usize, Option<Value>)]) -> Value {
        let mut result = match outcomes {
            [(_, Some(outcome))] => outcome.clone(),
            _ => self.joined(outcomes),
        };
        result["event"] = "result".into();
        result
    }

    fn joined(&self, outcomes: &[(usize, Option<Value>)]) -> Value {
        let named = |(at, outcome): &'_ (usize, Option<Value>)| {
            (self.programs[*at].plan.name.clone().unwrap_or_default(), outcome.clone().unwrap_or_default())
        };
        let all: Vec<(String, Value)> = outcomes.iter().map(named).collect();
        let text = |outcome: &Value, key: &str| outcome[key].as_str().unwrap_or_default().to_owned();
        let lines = |of: &[(String, Value)], key: &str| {
            let lines = of.iter().map(|(name, outcome)| format!("{name}: {}", text(outcome, key)));
            lines.collect::<Vec<_>>().join("\n")
        };
        let failed: Vec<_> = all.iter().filter(|(_, outcome)| outcome["ok"] == false).cloned().collect();
        if failed.is_empty() {
            return json!({ "ok": true, "text": lines(&all, "text") });
        }
        let mut outputs: Vec<String> = failed.iter().map(|(_, outcome)| text(outcome, "output")).collect();
        // A build that several programs share has one output.
        outputs.dedup();
        json!({ "ok": false, "reason": lines(&failed, "reason"), "output": outputs.join("\n") })
    }

    /// The state of the only program, or that of each.
    fn status(&self) -> Value {
        let plan = &self.programs[0].plan;
        let mut status = json!({
            "event": "status",
            "process": process::id(),
            "root": plan.root,
            "settings": plan.settings.as_ref().map(|file| file.canonicalize().unwrap_or(file.clone())),
        });
        let add = |to: &mut Value, fields: Value| {
            if let (Some(to), Value::Object(fields)) = (to.as_object_mut(), fields) {
                to.extend(fields);
            }
        };
        if let [only] = self.programs.as_slice() {
            add(&mut status, only.status());
            return status;
        }
        let named = self.programs.iter().map(|program| {
            let mut fields = json!({ "program": program.plan.name });
            add(&mut fields, program.status());
            fields
        });
        status["programs"] = named.collect();
        status
    }
}
