//! The events of this run, for `hotrun logs`.

use std::collections::VecDeque;
use std::sync::mpsc::Sender;

use jiff::Timestamp;
use serde_json::{Value, json};

/// So many bytes are kept. The oldest events go first.
const MOST: usize = 1024 * 1024;

/// Events as lines of JSON, each with its time.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    lines: VecDeque<String>,
    bytes: usize,
    /// The place of the first line since the last build began.
    since_build: usize,
    followers: Vec<Sender<String>>,
}

impl Journal {
    /// Adds an event with these fields.
    pub(crate) fn add(&mut self, event: &str, fields: Value) {
        let mut line = json!({ "time": Timestamp::now().to_string(), "event": event });
        if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
            line.extend(fields);
        }
        let line = line.to_string();
        self.followers.retain(|follower| follower.send(line.clone()).is_ok());
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.bytes > MOST && self.lines.len() > 1 {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.len());
            self.since_build = self.since_build.saturating_sub(1);
        }
    }

    /// A build begins. Without builds it is a start.
    pub(crate) fn build_begins(&mut self) {
        self.since_build = self.lines.len();
    }

    /// Sends the lines so far, all or those since the last build began. `follow`: then each new one.
    pub(crate) fn send(&mut self, to: Sender<String>, since_build: bool, follow: bool) {
        let first = if since_build { self.since_build } else { 0 };
        for line in self.lines.iter().skip(first) {
            let _ = to.send(line.clone());
        }
        if follow {
            self.followers.push(to);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use serde_json::{Value, json};

    use super::{Journal, MOST};

    fn texts(journal: &mut Journal, since_build: bool) -> Vec<String> {
        let (sender, lines) = mpsc::channel();
        journal.send(sender, since_build, false);
        let text =
            |line: String| serde_json::from_str::<Value>(&line).unwrap()["text"].as_str().unwrap().to_owned();
        lines.iter().map(text).collect()
    }

    #[test]
    fn lines_since_the_last_build_are_told_from_those_before() {
        let mut journal = Journal::default();
        let add = |journal: &mut Journal, text: &str| journal.add("message", json!({ "text": text }));
        add(&mut journal, "one");
        journal.build_begins();
        add(&mut journal, "two");
        let (sender, followed) = mpsc::channel();
        journal.send(sender, true, true);
        add(&mut journal, "three");
        assert_eq!(texts(&mut journal, false), ["one", "two", "three"]);
        assert_eq!(texts(&mut journal, true), ["two", "three"]);
        assert_eq!(followed.try_iter().count(), 2);
        let long = "x".repeat(MOST / 2);
        add(&mut journal, &long);
        add(&mut journal, &long);
        add(&mut journal, "four");
        assert_eq!(texts(&mut journal, true).last().map(String::as_str), Some("four"));
        assert!(texts(&mut journal, false).iter().map(String::len).sum::<usize>() <= MOST);
    }
}
