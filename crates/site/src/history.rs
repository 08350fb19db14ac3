//! The body of `/config/history`.

use configs::{Attempt, Change, Diagnosis, Origin, Trigger};
use serde::Serialize;

/// The attempts as a JSON array, in the order given.
pub(crate) fn json(attempts: &[Attempt]) -> Vec<u8> {
    let entries: Vec<_> = attempts.iter().map(Entry::of).collect();
    serde_json::to_vec(&entries).expect("strings and numbers are always JSON")
}

#[derive(Serialize)]
struct Entry<'a> {
    generation: u64,
    /// RFC 3339 with milliseconds.
    at: String,
    trigger: &'static str,
    /// The value that was set at run time, if one was the cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    /// The configuration contains a canary.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    canary: bool,
    outcome: &'static str,
    changed: &'a [Change],
    error: Option<Failure>,
}

/// A diagnosis with the place of its first problem that has one.
#[derive(Serialize)]
struct Failure {
    message: String,
    file: Option<String>,
    line: Option<u64>,
    column: Option<u64>,
}

impl<'a> Entry<'a> {
    fn of(attempt: &'a Attempt) -> Entry<'a> {
        Entry {
            generation: attempt.generation,
            at: attempt.at.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string(),
            // A server is asked to reload by a signal.
            trigger: if attempt.trigger == Trigger::Request { "signal" } else { attempt.trigger.as_str() },
            origin: attempt.origin.as_ref().map(ToString::to_string),
            canary: attempt.is_canary,
            outcome: attempt.outcome.as_str(),
            changed: &attempt.changed,
            error: attempt.error.as_ref().map(Failure::of),
        }
    }
}

impl Failure {
    fn of(diagnosis: &Diagnosis) -> Failure {
        let origin = diagnosis.problems().iter().find_map(|problem| problem.origin.as_ref());
        let (file, line, column) = match origin {
            Some(Origin::File { path, line, column, .. }) => {
                let counted = |number: u64| (number > 0).then_some(number);
                (Some(path.display().to_string()), counted(*line), counted(*column))
            }
            _ => (None, None, None),
        };
        Failure { message: diagnosis.message(), file, line, column }
    }
}
