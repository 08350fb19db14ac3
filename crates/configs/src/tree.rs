//! A document as a tree. Every node knows its origin.

use std::path::PathBuf;

use serde_json::Value as Json;

use crate::origin::Origin;

/// A value with its origin. It has no `Debug`, since it may hold a secret.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) mark: Mark,
}

#[derive(Clone)]
pub(crate) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// The file of a secret that was not read yet.
    File(PathBuf),
}

#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) mark: Mark,
    pub(crate) node: Node,
}

/// A text as it was written: `0123` stays `0123` in a field of type text.
#[derive(Clone)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) style: Style,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Without quotes. Its meaning depends on the field.
    Plain,
    /// In quotes or in a block. It is text.
    Quoted,
    /// From an environment variable or a flag. It never means null.
    Override,
}

/// The origin of a node, and how much of it a diagnosis may repeat.
#[derive(Clone)]
pub(crate) struct Mark {
    pub(crate) origin: Origin,
    pub(crate) span: Option<Span>,
    /// True if the text is at the origin, on one line. A text over several lines, or one that an alias copied, may hold
    /// a part of another key's value.
    pub(crate) quotable: bool,
    /// True for a variable: the case of its name does not matter.
    pub(crate) ignores_case: bool,
}

/// A part of a file: `start` and `end` in bytes, lines counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) first_line: usize,
    pub(crate) last_line: usize,
}

/// The meaning of a plain scalar in the core schema of YAML 1.2, with `true` and `false` as the only booleans.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Meaning {
    Nothing,
    Boolean(bool),
    Integer(i128),
    Float(f64),
    Text,
}

impl Node {
    pub(crate) fn map(entries: Vec<Entry>, mark: Mark) -> Node {
        Node { value: Value::Map(entries), mark }
    }

    pub(crate) fn text(text: impl Into<String>, style: Style, mark: Mark) -> Node {
        Node { value: Value::Scalar(Scalar { text: text.into(), style }), mark }
    }

    /// A value that was given as JSON.
    pub(crate) fn of_json(value: &Json, mark: &Mark) -> Node {
        let value = match value {
            Json::Array(items) => Value::List(items.iter().map(|item| Node::of_json(item, mark)).collect()),
            Json::Object(entries) => {
                let entries = entries.iter().map(|(key, value)| Entry {
                    key: key.clone(),
                    mark: mark.clone(),
                    node: Node::of_json(value, mark),
                });
                Value::Map(entries.collect())
            }
            Json::String(text) => Value::Scalar(Scalar { text: text.clone(), style: Style::Quoted }),
            other => Value::Scalar(Scalar { text: other.to_string(), style: Style::Plain }),
        };
        Node { value, mark: mark.clone() }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        matches!(&self.value, Value::Scalar(Scalar { text, style: Style::Plain }) if means_nothing(text))
    }

    /// Gives it, and all nodes below it, the mark of another place.
    pub(crate) fn relocate(&mut self, mark: &Mark) {
        self.mark = mark.clone();
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.relocate(mark)),
            Value::Map(entries) => entries.iter_mut().for_each(|entry| {
                entry.mark = mark.clone();
                entry.node.relocate(mark);
            }),
            Value::Scalar(_) | Value::File(_) => {}
        }
    }

    /// The number of levels below it.
    pub(crate) fn height(&self) -> usize {
        match &self.value {
            Value::List(items) => 1 + items.iter().map(Node::height).max().unwrap_or(0),
            Value::Map(entries) => 1 + entries.iter().map(|entry| entry.node.height()).max().unwrap_or(0),
            Value::Scalar(_) | Value::File(_) => 0,
        }
    }
}

impl Scalar {
    pub(crate) fn meaning(&self) -> Meaning {
        match (self.style, meaning(&self.text)) {
            (Style::Quoted, _) | (Style::Override, Meaning::Nothing) => Meaning::Text,
            (_, meaning) => meaning,
        }
    }

    /// The whole number that it means.
    pub(crate) fn integer(&self) -> Option<i128> {
        match self.meaning() {
            Meaning::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// The number that it means, as a float.
    pub(crate) fn float(&self) -> Option<f64> {
        match self.meaning() {
            #[expect(clippy::cast_precision_loss, reason = "the field is a float")]
            Meaning::Integer(number) => Some(number as f64),
            Meaning::Float(number) => Some(number),
            _ => None,
        }
    }
}

impl Mark {
    pub(crate) fn of(origin: Origin) -> Mark {
        Mark { origin, span: None, quotable: true, ignores_case: false }
    }
}

fn means_nothing(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

pub(crate) fn meaning(text: &str) -> Meaning {
    match text {
        _ if means_nothing(text) => return Meaning::Nothing,
        "true" => return Meaning::Boolean(true),
        "false" => return Meaning::Boolean(false),
        ".nan" | ".NaN" | ".NAN" => return Meaning::Float(f64::NAN),
        _ => {}
    }
    let (negative, digits) = match text.as_bytes()[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if matches!(digits, ".inf" | ".Inf" | ".INF") {
        return Meaning::Float(if negative { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    let (radix, figures) = match digits.get(..2) {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        _ => (10, digits),
    };
    if !figures.is_empty() && figures.chars().all(|figure| figure.is_digit(radix)) {
        return match i128::from_str_radix(figures, radix) {
            Ok(number) => Meaning::Integer(if negative { -number } else { number }),
            Err(_) => Meaning::Text,
        };
    }
    let is_decimal = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.contains(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    match text.parse() {
        Ok(number) if is_decimal => Meaning::Float(number),
        _ => Meaning::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::{Meaning, meaning};

    #[test]
    fn plain_scalars_mean_what_yaml_1_2_says() {
        for (text, expected) in [
            ("", Meaning::Nothing),
            ("~", Meaning::Nothing),
            ("null", Meaning::Nothing),
            ("true", Meaning::Boolean(true)),
            ("True", Meaning::Text),
            ("yes", Meaning::Text),
            ("on", Meaning::Text),
            ("0123", Meaning::Integer(123)),
            ("-7", Meaning::Integer(-7)),
            ("0x1F", Meaning::Integer(31)),
            ("0o17", Meaning::Integer(15)),
            ("0x", Meaning::Text),
            ("1_000", Meaning::Text),
            ("12:30", Meaning::Text),
            ("1.5", Meaning::Float(1.5)),
            (".5", Meaning::Float(0.5)),
            ("1e3", Meaning::Float(1000.0)),
            ("-.inf", Meaning::Float(f64::NEG_INFINITY)),
            ("inf", Meaning::Text),
            ("nan", Meaning::Text),
            (".", Meaning::Text),
            ("e", Meaning::Text),
            ("-", Meaning::Text),
            ("é", Meaning::Text),
            ("0é", Meaning::Text),
            ("340282366920938463463374607431768211456", Meaning::Text),
        ] {
            assert_eq!(meaning(text), expected, "{text:?}");
        }
    }
}
