//! The state of a program, for requests.

use serde_json::{Value, json};

use crate::generation::Generation;
use crate::plan::How;
use crate::supervisor::Event;

use super::Flow;
use super::program::Program;

impl Program {
    /// Gives the event of a request to the supervisor.
    pub(super) fn begin(&mut self, event: Event) -> Flow {
        self.has_failed = false;
        self.overdue = None;
        self.apply(event)
    }

    /// The outcome of the last request: its fields in an answer. `None` while something is under way.
    pub(super) fn outcome(&self) -> Option<Value> {
        if let Some(words) = &self.overdue {
            return Some(json!({ "ok": false, "reason": words, "output": "" }));
        }
        if !self.supervisor.is_settled() {
            return None;
        }
        if self.has_failed || self.supervisor.is_out() {
            let page = &self.diagnosis;
            return Some(json!({ "ok": false, "reason": page.reason, "output": page.output }));
        }
        let server = self.supervisor.current();
        let words = server.map_or("nothing runs".to_owned(), |server| format!("server {server} serves"));
        Some(json!({ "ok": true, "server": server, "text": words }))
    }

    /// The state, as fields of an answer.
    pub(super) fn status(&self) -> Value {
        let current = self.supervisor.current();
        let server = |(id, one): (&u32, &Generation)| {
            let state = match (one.is_ready(), Some(*id) == current) {
                (true, true) => "serves",
                (true, false) => "leaves",
                (false, _) => "starts",
            };
            json!({ "server": id, "state": state, "process": one.tree().leader() })
        };
        let state = match (self.wanted.is_some(), self.supervisor.is_settled(), current) {
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
