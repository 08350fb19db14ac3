//! The events of this run, for `hotrun logs`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::Sender;

use jiff::Timestamp;
use serde_json::{Value, json};

/// So many bytes are kept. The oldest events go first.
const MOST: usize = 1024 * 1024;

/// Events as lines of JSON, each with its time.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    lines: VecDeque<Line>,
    bytes: usize,
    /// The number of lines that are not kept any more.
    gone: usize,
    /// The number of the first line since the last build of each program began.
    since_build: BTreeMap<Option<String>, usize>,
    followers: Vec<Follower>,
}

#[derive(Debug)]
struct Line {
    /// `None` if it is about no single program.
    program: Option<String>,
    text: String,
}

#[derive(Debug)]
struct Follower {
    /// Wants the lines about this program, and those about no single one. `None` for all lines.
    program: Option<String>,
    sender: Sender<String>,
}

impl Line {
    fn concerns(&self, program: Option<&str>) -> bool {
        program.is_none_or(|program| self.program.as_deref().is_none_or(|about| about == program))
    }
}

impl Journal {
    /// Adds an event with these fields, about this program if there are several.
    pub(crate) fn add(&mut self, program: Option<&str>, event: &str, fields: Value) {
        let mut line = json!({ "time": Timestamp::now().to_string(), "event": event });
        if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
            line.extend(fields);
            line.extend(program.map(|program| ("program".to_owned(), program.into())));
        }
        let line = Line { program: program.map(str::to_owned), text: line.to_string() };
        self.followers.retain(|follower| {
            !line.concerns(follower.program.as_deref()) || follower.sender.send(line.text.clone()).is_ok()
        });
        self.bytes += line.text.len();
        self.lines.push_back(line);
        while self.bytes > MOST && self.lines.len() > 1 {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.text.len());
            self.gone += 1;
        }
    }

    /// A build of this program begins. Without builds it is a start.
    pub(crate) fn build_begins(&mut self, program: Option<&str>) {
        self.since_build.insert(program.map(str::to_owned), self.gone + self.lines.len());
    }

    /// Sends the lines so far about this program, or about all: each, or those since its last build began. `follow`: then each new one.
    pub(crate) fn send(
        &mut self,
        to: Sender<String>,
        program: Option<String>,
        since_build: bool,
        follow: bool,
    ) {
        let last_build = match &program {
            Some(_) => self.since_build.get(&program),
            None => self.since_build.values().max(),
        };
        let first = last_build.filter(|_| since_build).map_or(0, |first| first.saturating_sub(self.gone));
        for line in self.lines.iter().skip(first).filter(|line| line.concerns(program.as_deref())) {
            let _ = to.send(line.text.clone());
        }
        if follow {
            self.followers.push(Follower { program, sender: to });
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
        journal.send(sender, None, since_build, false);
        let text =
            |line: String| serde_json::from_str::<Value>(&line).unwrap()["text"].as_str().unwrap().to_owned();
        lines.iter().map(text).collect()
    }

    #[test]
    fn lines_since_the_last_build_are_told_from_those_before() {
        let mut journal = Journal::default();
        let add = |journal: &mut Journal, text: &str| journal.add(None, "message", json!({ "text": text }));
        add(&mut journal, "one");
        journal.build_begins(None);
        add(&mut journal, "two");
        let (sender, followed) = mpsc::channel();
        journal.send(sender, None, true, true);
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

    #[test]
    fn lines_about_other_programs_are_left_out() {
        let mut journal = Journal::default();
        let add = |journal: &mut Journal, program, text: &str| {
            journal.add(program, "message", json!({ "text": text }));
        };
        journal.build_begins(Some("api"));
        add(&mut journal, Some("api"), "built");
        journal.build_begins(Some("web"));
        add(&mut journal, None, "ends");
        add(&mut journal, Some("web"), "serves");
        let (sender, lines) = mpsc::channel();
        let mut sent = |program: Option<&str>, since_build| {
            journal.send(sender.clone(), program.map(str::to_owned), since_build, false);
            let text = |line: String| {
                serde_json::from_str::<Value>(&line).unwrap()["text"].as_str().unwrap().to_owned()
            };
            lines.try_iter().map(text).collect::<Vec<_>>()
        };
        assert_eq!(sent(Some("api"), true), ["built", "ends"]);
        assert_eq!(sent(Some("web"), true), ["ends", "serves"]);
        assert_eq!(sent(None, true), ["ends", "serves"]);
        assert_eq!(sent(None, false), ["built", "ends", "serves"]);
    }
}
