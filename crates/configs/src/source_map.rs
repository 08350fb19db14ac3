//! The text of each file, and the lines of it that may be shown.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::tree::Span;

/// The files from which one configuration was read.
pub(crate) type SourceMaps = HashMap<PathBuf, SourceMap>;

/// A file's text, and how many keys and values are on each line. It has no `Debug`, since it holds the secrets.
pub(crate) struct SourceMap {
    text: String,
    occupancy: Vec<Occupancy>,
}

/// The number of keys and values that touch a line.
#[derive(Clone, Copy, Default)]
pub(crate) struct Occupancy {
    pub(crate) keys: usize,
    pub(crate) values: usize,
}

/// One line as it may be shown: it ends with the value, without a comment behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) text: String,
    /// The value at fault, in bytes of `text`.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Longest line that is shown, in bytes.
const MAX_LINE: usize = 200;

impl SourceMap {
    /// `occupancy` is indexed by line, counted from 1.
    pub(crate) fn new(text: &str, occupancy: Vec<Occupancy>) -> SourceMap {
        SourceMap { text: text.to_owned(), occupancy }
    }

    /// The line of a value, if nothing but the value and its key is on it.
    pub(crate) fn line(&self, span: Span) -> Option<Line> {
        let is_alone =
            self.occupancy.get(span.first_line).is_some_and(|line| line.keys <= 1 && line.values == 1);
        if !is_alone || span.first_line != span.last_line || span.start == span.end {
            return None;
        }
        let begin = self.text.get(..span.start)?.rfind(['\n', '\r']).map_or(0, |line_break| line_break + 1);
        let text = self.text.get(begin..span.end)?;
        (text.len() <= MAX_LINE).then(|| Line {
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
            let (root, source_map) =
                parse(text, None).unwrap_or_else(|problem| panic!("{text:?}: {}", problem.message));
            let span = here(&root).unwrap_or_else(|| panic!("{text:?}: not found"));
            let line = source_map.line(span);
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
