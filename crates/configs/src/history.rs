//! What was tried, and what came of it.

use std::time::Duration;

use jiff::Zoned;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::diagnosis::Diagnosis;
use crate::origin::Origin;

/// One attempt to put a configuration in force. Serialized, it is an entry of `/config/history`.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The generation in force afterwards.
    pub generation: u64,
    /// When it was decided, in local time.
    pub at: Zoned,
    /// From the reading of the files to the last commit.
    pub took: Duration,
    /// What set it off.
    pub trigger: Trigger,
    /// What came of it.
    pub outcome: Outcome,
    /// What differs from the configuration before; empty unless accepted. Secrets read `***`.
    pub changed: Vec<Change>,
    /// What was wrong; `None` unless rejected.
    pub error: Option<Diagnosis>,
}

impl Serialize for Attempt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entry = serializer.serialize_struct("Attempt", 6)?;
        entry.serialize_field("generation", &self.generation)?;
        entry.serialize_field("at", &self.at.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string())?;
        entry.serialize_field("trigger", self.trigger.as_str())?;
        entry.serialize_field("outcome", self.outcome.as_str())?;
        entry.serialize_field("changed", &self.changed)?;
        entry.serialize_field("error", &self.error.as_ref().map(fault))?;
        entry.end()
    }
}

/// One value that differs between two configurations.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The dotted path.
    pub path: String,
    /// The value before; null when there was none.
    pub from: Value,
    /// The value after; null when there is none.
    pub to: Value,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A different configuration is in force.
    Accepted,
    /// Something was wrong; the last good configuration stays.
    Rejected,
    /// No value differs.
    Unchanged,
}

impl Outcome {
    /// `accepted`, `rejected` or `unchanged`.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Accepted => "accepted",
            Outcome::Rejected => "rejected",
            Outcome::Unchanged => "unchanged",
        }
    }
}

/// What set an attempt off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// The first load.
    Start,
    /// The file system told of a change.
    Event,
    /// The slow poll saw a change that no event told of.
    Poll,
    /// [`Configs::reload`](crate::Configs::reload) was called.
    Signal,
}

impl Trigger {
    /// `start`, `event`, `poll` or `signal`.
    pub fn as_str(self) -> &'static str {
        match self {
            Trigger::Start => "start",
            Trigger::Event => "event",
            Trigger::Poll => "poll",
            Trigger::Signal => "signal",
        }
    }
}

impl From<filewatch::Trigger> for Trigger {
    fn from(trigger: filewatch::Trigger) -> Trigger {
        match trigger {
            filewatch::Trigger::Start => Trigger::Start,
            filewatch::Trigger::Event => Trigger::Event,
            filewatch::Trigger::Poll => Trigger::Poll,
            filewatch::Trigger::Request => Trigger::Signal,
        }
    }
}

/// What a listener hears.
#[derive(Clone, Debug)]
pub enum Event {
    /// An attempt was decided.
    Attempt(Attempt),
    /// Changes are noticed later than they should be, and why.
    Degraded(filewatch::Degraded),
    /// That is over.
    Recovered(filewatch::Degraded),
}

fn fault(diagnosis: &Diagnosis) -> Fault {
    let origin = diagnosis.problems().iter().find_map(|problem| problem.origin.as_ref());
    let (file, line, column) = match origin {
        Some(Origin::File { path, line, column }) => {
            let counted = |number: u64| (number > 0).then_some(number);
            (Some(path.display().to_string()), counted(*line), counted(*column))
        }
        _ => (None, None, None),
    };
    Fault { message: diagnosis.message(), file, line, column }
}

/// A diagnosis as the history shows it.
#[derive(Serialize)]
struct Fault {
    message: String,
    file: Option<String>,
    line: Option<u64>,
    column: Option<u64>,
}
