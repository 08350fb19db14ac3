//! The lines of a document, and which of them may be shown.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::tree::Span;

/// The documents that the configuration at hand was read from.
pub(crate) type Pages = HashMap<PathBuf, Page>;

/// A document's text with what stands on every line. It has no `Debug`: it holds the secrets.
pub(crate) struct Page {
    text: String,
    occupancy: Vec<Occupancy>,
}

/// How many keys and values touch a line.
#[derive(Clone, Copy, Default)]
pub(crate) struct Occupancy {
    pub(crate) keys: usize,
    pub(crate) values: usize,
}

/// One line as it may be shown: up to the end of the value, so without the comment behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) text: String,
    /// The value at fault, in bytes of `text`.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A longer line helps nobody.
const LONGEST: usize = 200;

impl Page {
    pub(crate) fn new(text: &str, occupancy: Vec<Occupancy>) -> Page {
        Page { text: text.to_owned(), occupancy }
    }

    /// The line of a value, if nothing else stands on it than the value and its key.
    pub(crate) fn line(&self, span: Span) -> Option<Line> {
        let alone =
            self.occupancy.get(span.first_line).is_some_and(|line| line.keys <= 1 && line.values == 1);
        if !alone || span.first_line != span.last_line || span.start == span.end {
            return None;
        }
        let begin = self.text.get(..span.start)?.rfind(['\n', '\r']).map_or(0, |line_break| line_break + 1);
        let text = self.text.get(begin..span.end)?;
        (text.len() <= LONGEST).then(|| Line {
            text: text.to_owned(),
            start: span.start - begin,
            end: span.end - begin,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::tree::{Node, Span, Value};
    use crate::yaml::parse;

    #[test]
    fn a_line_is_shown_only_if_a_value_is_alone_on_it_with_its_key() {
        for (text, expected) in [
            ("port: here", Some("port: here")),
            ("port: here # comment", Some("port: here")),
            ("a: 1\n  \nport:   'here'\nb: 2", Some("port:   'here'")),
            ("port:\n  here", Some("  here")),
            ("ports:\n- here\n- there", Some("- here")),
            ("\u{feff}port: here\r\nb: 2\r\n", Some("port: here")),
            ("password: hunter2\rport: here", Some("port: here")),
            ("{port: here}", Some("{port: here")),
            ("{port: here, password: hunter2}", None),
            ("{password: hunter2, port: here}", None),
            ("{database: {port: here}}", None),
            ("[here, there]", None),
            ("port: here\n  and there", None),
            ("a: \"hunter2\n  \n  hunter3\"\nport: here", Some("port: here")),
            ("{a: \"hunter2\n  hunter3\", port: here}", None),
            ("port: |\n  here", Some("  here")),
            ("port: |\n  here\n  hunter2\n", None),
            ("? port\n: here", Some(": here")),
        ] {
            let (root, page) =
                parse(text, None).unwrap_or_else(|problem| panic!("{text:?}: {}", problem.message));
            let span = here(&root).unwrap_or_else(|| panic!("{text:?}: not found"));
            let line = page.line(span);
            assert_eq!(line.as_ref().map(|line| line.text.as_str()), expected, "{text:?}");
            if let Some(line) = line {
                assert!(line.text[line.start..line.end].contains("here"), "{text:?}");
            }
        }
    }

    fn here(node: &Node) -> Option<Span> {
        match &node.value {
            Value::Scalar(scalar) => scalar.text.starts_with("here").then_some(node.mark.span?),
            Value::List(items) => items.iter().find_map(here),
            Value::Map(entries) => entries.iter().find_map(|entry| here(&entry.node)),
            Value::File(_) => None,
        }
    }
}
