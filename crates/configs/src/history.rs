//! Attempts to put a configuration in force, and their outcomes.

use std::time::Duration;

use jiff::Zoned;
use serde::Serialize;
use serde_json::Value;

use crate::diagnosis::Diagnosis;
use crate::origin::Origin;

/// One attempt to put a configuration in force.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// The generation in force afterwards.
    pub generation: u64,
    /// When it was decided, in local time.
    pub at: Zoned,
    /// From reading the files to the last commit.
    pub took: Duration,
    /// The cause of the attempt.
    pub trigger: Trigger,
    /// The value that was set at run time, was taken back or has expired; `None` for another cause.
    pub origin: Option<Origin>,
    /// True if the configuration contains a canary.
    pub is_canary: bool,
    /// The outcome.
    pub outcome: Outcome,
    /// The differences to the configuration before; empty unless accepted. Secrets read `***`.
    pub changed: Vec<Change>,
    /// The diagnosis; `None` unless rejected.
    pub error: Option<Diagnosis>,
}

/// One value that differs between two configurations.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// The dotted path.
    pub path: String,
    /// The value before; null when there was none.
    pub from: Value,
    /// The value after; null when there is none.
    pub to: Value,
}

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
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

/// The cause of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trigger {
    /// The first load.
    Start,
    /// The system reported a change.
    Event,
    /// The poll found a change that no event reported.
    Poll,
    /// [`Configs::reload`](crate::Configs::reload) was called.
    Request,
    /// A value was set at run time, was taken back or has expired.
    Override,
    /// A [`Source`](crate::Source) has another text.
    Source,
}

impl Trigger {
    /// `start`, `event`, `poll`, `request`, `override` or `source`.
    pub fn as_str(self) -> &'static str {
        match self {
            Trigger::Override => "override",
            Trigger::Source => "source",
            Trigger::Start => "start",
            Trigger::Event => "event",
            Trigger::Poll => "poll",
            Trigger::Request => "request",
        }
    }
}

impl From<filewatch::Trigger> for Trigger {
    fn from(trigger: filewatch::Trigger) -> Trigger {
        match trigger {
            filewatch::Trigger::Start => Trigger::Start,
            filewatch::Trigger::Event => Trigger::Event,
            filewatch::Trigger::Poll => Trigger::Poll,
            filewatch::Trigger::Request => Trigger::Request,
        }
    }
}

/// An event that listeners are told of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// An attempt was decided.
    Attempt(Attempt),
    /// Changes are noticed late from now on, and why.
    Degraded(filewatch::Degraded),
    /// That has ended.
    Recovered(filewatch::Degraded),
}
