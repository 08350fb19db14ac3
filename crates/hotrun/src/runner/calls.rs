//! Answers the requests of scripts and editors.

use std::mem;
use std::process;
use std::sync::mpsc::Sender;

use serde_json::{Value, json};

use crate::control::{Call, Request};
use crate::generation::Generation;
use crate::plan::How;
use crate::supervisor::Event;

use super::{Flow, Runner};

impl Runner {
    pub(super) fn call(&mut self, call: Call) -> Flow {
        let answer = call.answer;
        match call.request {
            Request::Status => drop(answer.send(self.status().to_string())),
            Request::Logs { since_build, follow } => self.report.journal().send(answer, since_build, follow),
            Request::Reload { wait } => {
                self.report.watcher("a build is asked for");
                return self.begin(answer, wait, Event::Changed);
            }
            Request::Restart { wait } => {
                self.report.runner("the program is started again, as asked for");
                return self.begin(answer, wait, Event::Renewed);
            }
            Request::Stop => {
                // The end of this process closes the connection, and tells the client.
                mem::forget(answer);
                self.report.main("ends, as asked for");
                return self.apply(Event::Quit);
            }
        }
        Ok(true)
    }

    /// Gives the event to the supervisor. `wait`: the answer is the outcome.
    fn begin(&mut self, answer: Sender<String>, wait: bool, event: Event) -> Flow {
        self.has_failed = false;
        if wait {
            self.waiting.push(answer);
        } else {
            let _ = answer.send(json!({ "event": "result", "ok": true, "text": "begun" }).to_string());
        }
        self.apply(event)
    }

    /// Answers those who wait for an outcome, if nothing is under way any more.
    pub(super) fn answer_waiting(&mut self) {
        if self.waiting.is_empty() || !self.supervisor.is_settled() {
            return;
        }
        let result = if self.has_failed || self.supervisor.is_out() {
            let page = &self.diagnosis;
            json!({ "event": "result", "ok": false, "reason": page.reason, "output": page.output })
        } else {
            let server = self.supervisor.current();
            let words = server.map_or("nothing runs".to_owned(), |server| format!("server {server} serves"));
            json!({ "event": "result", "ok": true, "server": server, "text": words })
        };
        for answer in mem::take(&mut self.waiting) {
            let _ = answer.send(result.to_string());
        }
    }

    /// The only server is not ready in time. Those who wait for it are told so, and hotrun goes on waiting.
    pub(super) fn still_starting(&mut self, words: &str) {
        self.report.warning(words);
        let result = json!({ "event": "result", "ok": false, "reason": words, "output": "" }).to_string();
        for answer in mem::take(&mut self.waiting) {
            let _ = answer.send(result.clone());
        }
    }

    fn status(&self) -> Value {
        let current = self.supervisor.current();
        let server = |(id, one): (&u32, &Generation)| {
            let state = match (one.is_ready(), Some(*id) == current) {
                (true, true) => "serves",
                (true, false) => "leaves",
                (false, _) => "starts",
            };
            json!({ "server": id, "state": state, "process": one.tree().leader() })
        };
        let state = match (self.building.is_some(), self.supervisor.is_settled(), current) {
            (true, ..) => "builds",
            (_, false, _) => "starts",
            (.., Some(_)) => "serves",
            (.., None) => "serves nothing",
        };
        let addresses = current.and_then(|id| self.generations.get(&id)).map(|one| self.addresses(one));
        let problem = self.has_failed || self.supervisor.is_out();
        let bin = match &self.plan.build.how {
            How::Cargo { binary, .. } => Some(binary),
            _ => None,
        };
        json!({
            "event": "status",
            "process": process::id(),
            "root": self.plan.root,
            "settings": self.plan.settings.as_ref().map(|file| file.canonicalize().unwrap_or(file.clone())),
            "bin": bin,
            "state": state,
            "addresses": addresses.unwrap_or_default(),
            "servers": self.generations.iter().map(server).collect::<Vec<_>>(),
            "build": self.last_build,
            "problem": problem.then(|| json!({ "reason": self.diagnosis.reason, "output": self.diagnosis.output })),
        })
    }

    /// The addresses at which the server is reached, each as one that can be clicked on.
    pub(super) fn addresses(&self, generation: &Generation) -> Vec<String> {
        let mut addresses = generation.addresses.clone();
        if addresses.is_empty() {
            addresses = self.owned.addresses();
        }
        addresses.iter().map(|address| format!("http://{address}")).collect()
    }
}
