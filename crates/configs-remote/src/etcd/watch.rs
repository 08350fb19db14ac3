//! A stream of events: one JSON document a line.

use hyper::Response;
use hyper::body::Incoming;
use serde_json::Value;

use crate::body;
use crate::fetched::MAX_TEXT;

/// A watch that etcd has accepted.
pub(crate) struct Watch {
    body: Incoming,
    lines: Lines,
}

/// The news of a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A key was written or deleted.
    Event,
    /// The watch is over: etcd went away, or the revision was compacted.
    Ended,
}

/// The part of a line that has come so far.
#[derive(Default)]
pub(crate) struct Lines {
    part: Vec<u8>,
}

/// Upper bound on a line: an event holds the value.
const MAX_LINE: usize = 4 * MAX_TEXT;

impl Watch {
    pub(crate) fn new(response: Response<Incoming>) -> Watch {
        Watch { body: response.into_body(), lines: Lines::default() }
    }

    /// Waits for news. It may be dropped and called again: nothing is lost.
    pub(crate) async fn next(&mut self) -> Change {
        loop {
            let Ok(Some(part)) = body::next(&mut self.body).await else { return Change::Ended };
            if let Some(change) = self.lines.take(&part) {
                return change;
            }
        }
    }
}

impl Lines {
    /// Takes the next bytes. Returns the news of the lines that are whole now.
    pub(crate) fn take(&mut self, part: &[u8]) -> Option<Change> {
        self.part.extend_from_slice(part);
        let mut news = None;
        while let Some(end) = self.part.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.part.drain(..=end).collect();
            match change(&line) {
                Some(Change::Ended) => return Some(Change::Ended),
                Some(Change::Event) => news = Some(Change::Event),
                None => {}
            }
        }
        if self.part.len() > MAX_LINE { Some(Change::Ended) } else { news }
    }
}

/// The news of one line; `None` for one without news.
fn change(line: &[u8]) -> Option<Change> {
    let Ok(message) = serde_json::from_slice::<Value>(line) else { return Some(Change::Ended) };
    let result = &message["result"];
    if !result.is_object() || result["canceled"] == true {
        return Some(Change::Ended);
    }
    let has_events = result["events"].as_array().is_some_and(|events| !events.is_empty());
    has_events.then_some(Change::Event)
}

#[cfg(test)]
mod tests {
    use super::{Change, Lines};

    #[test]
    fn lines_come_in_parts() {
        let created = r#"{"result":{"header":{"revision":"5"},"created":true}}"#;
        let event = r#"{"result":{"header":{"revision":"6"},"events":[{"kv":{"key":"YQ=="}}]}}"#;
        let compacted = r#"{"result":{"canceled":true,"compact_revision":"7"}}"#;
        for (parts, expected) in [
            (vec![created, "\n"], vec![None, None]),
            (vec![created, "\n", event, "\n"], vec![None, None, None, Some(Change::Event)]),
            (vec![&event[..9], &event[9..], "\n{"], vec![None, None, Some(Change::Event)]),
            (vec![compacted, "\n"], vec![None, Some(Change::Ended)]),
            (vec![r#"{"error":{"grpc_code":14}}"#, "\n"], vec![None, Some(Change::Ended)]),
            (vec!["<html>\n"], vec![Some(Change::Ended)]),
            (vec!["[]\n"], vec![Some(Change::Ended)]),
        ] {
            let mut lines = Lines::default();
            let found: Vec<_> = parts.iter().map(|part| lines.take(part.as_bytes())).collect();
            assert_eq!(found, expected, "{parts:?}");
        }
        let mut lines = Lines::default();
        let part = vec![b'x'; 65_536];
        let endless = std::iter::repeat_with(|| lines.take(&part)).take(100);
        assert!(endless.flatten().next().is_some(), "a line that never ends");
    }
}
