//! The events of a run, each a line of JSON. `docs/hotrun.md` has the list; a test compares the two.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::journal::status::Status;

/// An event with its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// RFC 3339, in UTC.
    time: String,
    /// The program that it is about. `None` with one program, and for an event that is about all of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) program: Option<String>,
    #[serde(flatten)]
    pub(crate) event: Event,
}

impl Record {
    /// The event happens now.
    pub(crate) fn now(program: Option<&str>, event: Event) -> Self {
        Self { time: Timestamp::now().to_string(), program: program.map(str::to_owned), event }
    }

    /// A line without its end.
    pub(crate) fn line(&self) -> String {
        // Cannot fail: every field is text, a number or a list of these.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// An event of a run, or the answer to a request. The name of the variant is the value of `event`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// hotrun has read its settings. The first event.
    Begin { process: u32, root: String, settings: Option<String> },
    /// Sources have changed.
    Change { files: Vec<String> },
    /// The command of a rule begins.
    Rule { name: String, command: String },
    /// The command of a rule has ended.
    RuleEnded { name: String, ok: bool, reason: String },
    /// A build begins.
    Build { version: u32, command: String },
    /// A line of a build, or of the command of a rule, without colours.
    Output { text: String },
    /// A build has ended.
    Built(BuildEnd),
    /// A server was started.
    Start { server: u32, version: u32, process: u32 },
    /// A server takes the connections from now on.
    Ready { server: u32, addresses: Vec<String>, sign: String, took_ms: u64 },
    /// A replaced server finishes its requests, and then ends.
    Leave { server: u32 },
    /// A replaced server takes no new connections, and is kept in case its successor fails.
    Keep { server: u32 },
    /// A replaced server serves again.
    Return { server: u32 },
    /// A server has failed before it was ready, or on probation. It takes no connections any more.
    Rejected { server: u32, reason: String },
    /// No process of a server is left.
    Ended { server: u32, status: String },
    /// No server serves, and none comes before a change: requests are answered with 503.
    Down { reason: String },
    /// A line of the program.
    Line { text: String, stream: Stream },
    /// A line that hotrun prints.
    Message { level: Level, text: String },
    /// Events were left out, since nobody has read them for too long.
    Lost { count: u64 },
    /// hotrun ends.
    Stop { reason: StopReason },
    /// The answer to `status`.
    Status(Status),
    /// The answer to `reload` and `restart`, and to a request that cannot be done.
    Result(RequestResult),
}

/// The end of a build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BuildEnd {
    pub(crate) version: u32,
    pub(crate) outcome: BuildOutcome,
    pub(crate) took_ms: u64,
    /// Empty unless it has failed.
    pub(crate) reason: String,
}

/// The outcome of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BuildOutcome {
    Good,
    /// The program is byte-identical with the one that runs.
    Same,
    Failed,
    /// Something changed meanwhile.
    Cancelled,
}

impl BuildOutcome {
    /// The word in JSON and for people.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Same => "same",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A stream of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// The weight of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    Info,
    Warning,
    /// hotrun ends because of it.
    Error,
}

/// The reason why hotrun ends in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StopReason {
    /// Such as Ctrl-C.
    Signal,
    /// `q`.
    Key,
    /// `hotrun stop`.
    Request,
    /// With `--json`: the reader of the events has closed the pipe.
    Reader,
}

/// The answer to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequestResult {
    pub(crate) ok: bool,
    /// The server that serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<u32>,
    /// The outcome in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) text: String,
    /// The reason of a failure.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) reason: String,
    /// The compiler's output, if the build has failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) output: String,
    /// The request itself is wrong.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) usage: bool,
}

impl RequestResult {
    pub(crate) fn good(server: Option<u32>, text: String) -> Self {
        Self { ok: true, server, text, ..Self::default() }
    }

    pub(crate) fn failed(reason: String, output: String) -> Self {
        Self { reason, output, ..Self::default() }
    }
}

#[cfg(test)]
mod tests;
