//! The requests of scripts and editors.

use std::sync::mpsc::SyncSender;

use serde::{Deserialize, Serialize};

/// A request to a running hotrun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Request {
    /// The state, on one line.
    Status,
    /// Build, and start what was built. With `wait`, the answer is the outcome.
    Reload {
        #[serde(default)]
        wait: bool,
        /// The name of the program; all without one.
        #[serde(default)]
        program: Option<String>,
    },
    /// Start the same program again.
    Restart {
        #[serde(default)]
        wait: bool,
        #[serde(default)]
        program: Option<String>,
    },
    /// End.
    Stop,
    /// The events so far, one a line.
    Logs {
        /// Only those since the last build began.
        #[serde(default)]
        since_build: bool,
        /// Then the events to come, until the client closes the connection.
        #[serde(default)]
        follow: bool,
        /// Only those about this program, and about no single one.
        #[serde(default)]
        program: Option<String>,
    },
}

/// A request, and the way to its answer. Lines are sent as they are to be written. Dropping the sender ends the answer.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) request: Request,
    pub(crate) answer: SyncSender<String>,
}

#[cfg(test)]
mod tests {
    use super::Request;

    /// Each row: the line of a client, and the request.
    #[test]
    fn a_request_is_a_line_of_json() {
        for (line, expected) in [
            (r#"{"do":"status"}"#, Some(Request::Status)),
            (r#"{"do":"reload"}"#, Some(Request::Reload { wait: false, program: None })),
            (
                r#"{"do":"reload","wait":true,"program":"api"}"#,
                Some(Request::Reload { wait: true, program: Some("api".to_owned()) }),
            ),
            (
                r#"{"do":"logs","since_build":true}"#,
                Some(Request::Logs { since_build: true, follow: false, program: None }),
            ),
            (r#"{"do":"reload","weight":true}"#, None),
            (r#"{"do":"dance"}"#, None),
            ("status", None),
        ] {
            assert_eq!(serde_json::from_str(line).ok(), expected, "{line}");
        }
    }
}
