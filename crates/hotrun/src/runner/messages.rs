//! Messages about builds and servers.

use crate::journal::Event;
use crate::supervisor::Message;

use super::Program;

impl Program {
    pub(super) fn say(&mut self, message: Message) {
        let words = self.in_words(message);
        if let Message::GivenUp { server, .. } | Message::Fell(server) = message {
            self.report.event(Event::Rejected { server, reason: words.clone() });
        }
        self.note_outcome(message);
        match message {
            Message::Unchanged(_) | Message::Restored => self.report.runner(&words),
            Message::StillStarting(_) => {
                self.report.warning(&words);
                self.overdue = Some(words);
            }
            Message::Cut(_) => self.report.warning(&words),
            Message::BuildFailed { .. } => self.fail(words, true),
            Message::GivenUp { .. } | Message::Fell(_) | Message::Waiting(_) => self.fail(words, false),
        }
    }

    /// Warns, and keeps the words for the page about an outage, with the output of the build if it has failed.
    fn fail(&mut self, words: String, build: bool) {
        self.report.warning(&words);
        self.has_failed = true;
        self.diagnosis.reason = words;
        if !build {
            self.diagnosis.output.clear();
        }
    }

    fn in_words(&self, message: Message) -> String {
        let how = |server: u32| self.endings.get(&server).map_or("ended", String::as_str);
        match message {
            Message::BuildFailed { serves, stops } => {
                let then = match (serves, stops) {
                    (false, _) => "",
                    (true, false) => "; the server stays as it is",
                    (true, true) => "; `stop_on_error` stops the server",
                };
                format!("the build failed {}{then}", self.failure)
            }
            Message::Unchanged(server) => {
                format!("the program is byte for byte the same: server {server} stays")
            }
            Message::StillStarting(server) => {
                let seconds = self.plan.ready.timeout.as_secs();
                format!(
                    "server {server} is not ready after {seconds} s; there is no other server, so hotrun goes on waiting"
                )
            }
            Message::GivenUp { server, late, serves } => {
                let why = if late {
                    format!("was not ready within {} s", self.plan.ready.timeout.as_secs())
                } else {
                    format!("{} before it was ready", how(server))
                };
                let then = if serves { "the one before it serves on" } else { "a change starts it again" };
                format!("server {server} {why} and is given up; {then}")
            }
            Message::Fell(server) => format!("server {server} {} on probation and is given up", how(server)),
            Message::Restored => "the last good program is started again".to_owned(),
            Message::Waiting(server) => format!("server {server} {}; a change starts it again", how(server)),
            Message::Cut(server) => {
                format!(
                    "server {server} still had requests under way and is killed: three newer servers drain, too"
                )
            }
        }
    }

    /// Prints once at which address and in which way the port is owned.
    pub(super) fn say_way(&mut self, id: u32) {
        if self.said.way {
            return;
        }
        self.said.way = true;
        let Some(generation) = self.generations.get(&id) else { return };
        if generation.silence.is_worker {
            self.report
                .main("no port is owned: after an edit the worker is stopped before the next one starts");
            return;
        }
        let at = self.addresses(generation);
        let at =
            if at.is_empty() { "no port is owned".to_owned() } else { format!("serves {}", at.join(", ")) };
        self.report.main(&format!("{at}, {}", self.chosen.reason));
    }
}
