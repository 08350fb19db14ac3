//! The events of this run, for `hotrun logs` and `hotrun --json`.

mod event;
mod status;

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

pub(crate) use self::event::{
    BuildEnd, BuildOutcome, Event, Level, Record, RequestResult, StopReason, Stream,
};
pub(crate) use self::status::{NamedStatus, Problem, ProgramStatus, Programs, ServerStatus, State, Status};

/// So many bytes are kept. The oldest events go first.
const MOST: usize = 1024 * 1024;

/// So many lines wait for one reader. It holds more than all that are kept: none is shorter than 64 bytes.
pub(crate) const QUEUE: usize = MOST / 64;

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
    sender: SyncSender<String>,
    /// The number of lines that were left out, since the reader is too slow.
    lost: u64,
}

impl Follower {
    /// Sends a line. Never waits. `false` if the reader is gone.
    fn send(&mut self, line: &str) -> bool {
        if self.lost > 0 {
            let lost = Record::now(None, Event::Lost { count: self.lost }).line();
            match self.sender.try_send(lost) {
                Ok(()) => self.lost = 0,
                Err(TrySendError::Full(_)) => {
                    self.lost += 1;
                    return true;
                }
                Err(TrySendError::Disconnected(_)) => return false,
            }
        }
        match self.sender.try_send(line.to_owned()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.lost += 1;
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }
}

impl Line {
    fn concerns(&self, program: Option<&str>) -> bool {
        program.is_none_or(|program| self.program.as_deref().is_none_or(|about| about == program))
    }
}

impl Journal {
    /// Adds an event, about this program if there are several.
    pub(crate) fn add(&mut self, program: Option<&str>, event: Event) {
        let text = Record::now(program, event).line();
        let line = Line { program: program.map(str::to_owned), text };
        self.followers
            .retain_mut(|follower| !line.concerns(follower.program.as_deref()) || follower.send(&line.text));
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
        to: SyncSender<String>,
        program: Option<String>,
        since_build: bool,
        follow: bool,
    ) {
        let mut reader = Follower { program, sender: to, lost: 0 };
        let program = &reader.program;
        let last_build = match program {
            Some(_) => self.since_build.get(program),
            None => self.since_build.values().max(),
        };
        let first = last_build.filter(|_| since_build).map_or(0, |first| first.saturating_sub(self.gone));
        let program = program.clone();
        for line in self.lines.iter().skip(first).filter(|line| line.concerns(program.as_deref())) {
            reader.send(&line.text);
        }
        if follow {
            self.followers.push(reader);
        }
    }

    /// Ends what the followers read.
    pub(crate) fn close(&mut self) {
        self.followers.clear();
    }
}

/// A duration in whole milliseconds.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use serde_json::Value;

    use super::{Event, Journal, Level, MOST, QUEUE};

    fn message(text: &str) -> Event {
        Event::Message { level: Level::Info, text: text.to_owned() }
    }

    fn texts(journal: &mut Journal, since_build: bool) -> Vec<String> {
        let (sender, lines) = mpsc::sync_channel(QUEUE);
        journal.send(sender, None, since_build, false);
        let text =
            |line: String| serde_json::from_str::<Value>(&line).unwrap()["text"].as_str().unwrap().to_owned();
        lines.iter().map(text).collect()
    }

    #[test]
    fn lines_since_the_last_build_are_told_from_those_before() {
        let mut journal = Journal::default();
        let add = |journal: &mut Journal, text: &str| journal.add(None, message(text));
        add(&mut journal, "one");
        journal.build_begins(None);
        add(&mut journal, "two");
        let (sender, followed) = mpsc::sync_channel(QUEUE);
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
            journal.add(program, message(text));
        };
        journal.build_begins(Some("api"));
        add(&mut journal, Some("api"), "built");
        journal.build_begins(Some("web"));
        add(&mut journal, None, "ends");
        add(&mut journal, Some("web"), "serves");
        let (sender, lines) = mpsc::sync_channel(QUEUE);
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

    /// Lines of the shortest event, as many as are kept: all have room in the queue of a reader.
    #[test]
    fn a_reader_gets_all_that_is_kept() {
        let mut journal = Journal::default();
        for _ in 0..QUEUE {
            journal.add(None, Event::Leave { server: 1 });
        }
        let (sender, lines) = mpsc::sync_channel(QUEUE);
        journal.send(sender, None, false, false);
        let lines: Vec<String> = lines.iter().collect();
        assert_eq!(lines.len(), journal.lines.len());
        assert!(journal.gone > 0, "some are not kept any more");
    }

    #[test]
    fn a_reader_that_does_not_read_loses_events_and_is_told_so() {
        let mut journal = Journal::default();
        let (sender, lines) = mpsc::sync_channel(2);
        journal.send(sender, None, false, true);
        for text in ["one", "two", "three", "four"] {
            journal.add(None, message(text));
        }
        let read = |count: usize| -> Vec<Value> {
            let parsed = |line: String| serde_json::from_str::<Value>(&line).unwrap();
            lines.try_iter().take(count).map(parsed).collect()
        };
        let before = read(2);
        journal.add(None, message("five"));
        let after = read(2);
        assert_eq!((&before[0]["text"], &before[1]["text"]), (&"one".into(), &"two".into()));
        assert_eq!((&after[0]["event"], &after[0]["count"]), (&"lost".into(), &2.into()));
        assert_eq!(after[1]["text"], "five");
    }
}
