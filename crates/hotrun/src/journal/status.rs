//! The state of hotrun, as `status` answers it.

use serde::{Deserialize, Serialize};

use crate::journal::event::BuildEnd;

/// The state of a hotrun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) process: u32,
    pub(crate) root: String,
    /// The settings file.
    pub(crate) settings: Option<String>,
    #[serde(flatten)]
    pub(crate) programs: Programs,
}

/// The only program, or several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Programs {
    Several { programs: Vec<NamedStatus> },
    One(ProgramStatus),
}

impl Programs {
    /// True for the only program if cargo's binary has this name.
    pub(crate) fn has_bin(&self, name: &str) -> bool {
        matches!(self, Self::One(only) if only.bin.as_deref() == Some(name))
    }
}

/// The state of one of several programs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct NamedStatus {
    pub(crate) program: String,
    #[serde(flatten)]
    pub(crate) status: ProgramStatus,
}

/// The state of a program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProgramStatus {
    /// Cargo's name of the binary.
    pub(crate) bin: Option<String>,
    pub(crate) state: State,
    pub(crate) addresses: Vec<String>,
    pub(crate) servers: Vec<ServerStatus>,
    /// The last build that has ended.
    pub(crate) build: Option<BuildEnd>,
    pub(crate) problem: Option<Problem>,
}

/// The activity of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    #[serde(rename = "builds")]
    Builds,
    #[serde(rename = "starts")]
    Starts,
    #[serde(rename = "serves")]
    Serves,
    #[serde(rename = "serves nothing")]
    ServesNothing,
}

impl State {
    /// The word in JSON and for people.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Builds => "builds",
            Self::Starts => "starts",
            Self::Serves => "serves",
            Self::ServesNothing => "serves nothing",
        }
    }
}

/// The state of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServerStatus {
    pub(crate) server: u32,
    /// `starts`, `serves` or `leaves`.
    pub(crate) state: String,
    pub(crate) process: u32,
}

/// The last failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Problem {
    pub(crate) reason: String,
    /// The compiler's output, if the build has failed.
    pub(crate) output: String,
}
