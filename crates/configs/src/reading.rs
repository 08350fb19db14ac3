//! The results of one pass of serde over a tree, and how its errors are told.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::de_error::Raw;
use crate::effective::Effective;
use crate::path::{Path, below};
use crate::problem::Problem;
use crate::redactor::Redactor;
use crate::suggest::nearest;
use crate::text::is_safe_to_echo;
use crate::tree::{Entry, Mark, Meaning, Node, Style, Value, meaning};

/// The state that all nodes of one pass share.
pub(crate) struct Reading<'a> {
    redactor: &'a Redactor,
    results: RefCell<Results>,
    /// The last path that was recorded, with dots.
    dotted: RefCell<String>,
}

/// The results of one pass besides the value.
#[derive(Default)]
pub(crate) struct Results {
    /// The values that were read.
    pub(crate) effective: Effective,
    /// The paths that the type declares.
    pub(crate) declared: BTreeSet<String>,
    pub(crate) unknown: Vec<Unknown>,
}

/// A key that the type does not declare.
pub(crate) struct Unknown {
    pub(crate) problem: Problem,
    pub(crate) is_override: bool,
}

/// A node, with the mark of its key and its path.
#[derive(Clone)]
pub(crate) struct At<'a> {
    pub(crate) node: &'a Node,
    pub(crate) key: &'a Mark,
    pub(crate) path: Path<'a>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(redactor: &'a Redactor) -> Reading<'a> {
        Reading { redactor, results: RefCell::default(), dotted: RefCell::default() }
    }

    pub(crate) fn results(self) -> Results {
        self.results.into_inner()
    }

    /// Records that the type declares this path.
    pub(crate) fn declare(&self, path: &Path<'_>) {
        self.results.borrow_mut().declared.insert(path.declared());
    }

    /// Records a value that was read.
    pub(crate) fn record(&self, path: &Path<'_>, value: Json) {
        let mut dotted = self.dotted.borrow_mut();
        dotted.clear();
        path.write_to(&mut dotted);
        let effective = &mut self.results.borrow_mut().effective;
        if self.redactor.secrets.covers(&dotted) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            effective.insert_secret(dotted.clone(), text);
        } else {
            effective.insert(path, value);
        }
    }

    /// Records a key that the type does not declare; `known` are the keys that it declares at `path`.
    pub(crate) fn unknown(&self, path: &Path<'_>, entry: &Entry, known: &[&str]) {
        let map = path.dotted();
        let files: Vec<String> = self.redactor.secrets.file_keys(&map).collect();
        let candidates = known.iter().copied().chain(files.iter().map(String::as_str));
        let is_override = entry.mark.origin.is_override();
        let meant = nearest(&entry.key, candidates).map(|key| format!("did you mean `{key}`?"));
        let help = meant.unwrap_or_else(|| {
            let known: Vec<_> = known.iter().map(|key| format!("`{key}`")).collect();
            format!("the keys here are {}", known.join(", "))
        });
        let is_secret = self.redactor.scrubbed(&entry.key) != entry.key;
        let name = if is_safe_to_echo(&entry.key) && !is_secret { below(&map, &entry.key) } else { map };
        let message = if is_override { "names no key" } else { "unknown key" };
        let problem = Problem::plain(message)
            .at(entry.mark.origin.clone())
            .path(name)
            .public_path(path.declared())
            .help(help);
        self.results.borrow_mut().unknown.push(Unknown { problem, is_override });
    }

    /// Turns an error of serde into a problem at the node that it is about.
    pub(crate) fn problem(&self, raw: Raw, at: &At<'_>) -> Problem {
        let dotted = at.path.dotted();
        let problem = match raw {
            Raw::Missing(field) => {
                let missing = at.path.field(field);
                return Problem::plain("required, but missing")
                    .at(at.key.origin.clone())
                    .path(missing.dotted())
                    .public_path(missing.declared());
            }
            Raw::Type { expected, kind } => {
                let problem = Problem::plain(format!("expected {expected}, found {}", self.found(at, kind)))
                    .public_message(format!("expected {expected}"));
                match remedy(at.node, &expected) {
                    Some(help) => problem.help(help),
                    None => problem,
                }
            }
            Raw::Variant { known } => {
                let list: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
                let expected = format!("expected one of {}", list.join(", "));
                let problem = Problem::plain(format!("{expected}, found {}", self.found(at, "another")))
                    .public_message(expected);
                match self.quote(at).and_then(|text| nearest(text, known.iter().copied())) {
                    Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                    None => problem,
                }
            }
            Raw::Custom(_) if self.redactor.secrets.covers(&dotted) => {
                Problem::plain("the value is not accepted")
            }
            Raw::Custom(message) => {
                Problem::plain(self.redactor.scrubbed(&message)).public_message("the value is not accepted")
            }
        };
        let line = self.quote(at).and_then(|_| self.redactor.line(&at.node.mark.origin, at.node.mark.span));
        problem.at(at.node.mark.origin.clone()).path(dotted).public_path(at.path.declared()).showing(line)
    }

    /// Names what is at a node: by its text if that may be repeated, else by its kind.
    fn found(&self, at: &At<'_>, kind: &str) -> String {
        match &at.node.value {
            Value::Map(_) if kind == "a map" || kind.starts_with("another") => "a map".to_owned(),
            Value::List(_) if kind == "a list" || kind.starts_with("another") => "a list".to_owned(),
            Value::Map(_) | Value::List(_) | Value::File(_) => kind.to_owned(),
            Value::Scalar(scalar) => match (self.quote(at), scalar.style) {
                _ if at.node.is_nothing() => "nothing".to_owned(),
                (Some(text), Style::Quoted) => format!("the text {}", self.redactor.quoted(text)),
                (Some(text), _) => self.redactor.quoted(text),
                (None, _) => match scalar.meaning() {
                    Meaning::Nothing => "nothing",
                    Meaning::Boolean(_) => "a boolean",
                    Meaning::Integer(_) | Meaning::Float(_) => "a number",
                    Meaning::Text => "text",
                }
                .to_owned(),
            },
        }
    }

    /// The text of a value, if a message may repeat it.
    fn quote<'n>(&self, at: &At<'n>) -> Option<&'n str> {
        match &at.node.value {
            Value::Scalar(scalar)
                if at.node.mark.quotable && !self.redactor.secrets.may_contain_at(&at.path.dotted()) =>
            {
                Some(&scalar.text)
            }
            _ => None,
        }
    }
}

/// The advice for a boolean of YAML 1.1, or of a number in quotes.
fn remedy(node: &Node, expected: &str) -> Option<&'static str> {
    let Value::Scalar(scalar) = &node.value else { return None };
    let means = meaning(&scalar.text);
    let is_quoted = scalar.style == Style::Quoted;
    let is_boolean = expected.starts_with("`true`");
    match scalar.text.to_ascii_lowercase().as_str() {
        "yes" | "on" | "true" if is_boolean && !matches!(means, Meaning::Boolean(_)) => Some("write `true`"),
        "no" | "off" | "false" if is_boolean && !matches!(means, Meaning::Boolean(_)) => {
            Some("write `false`")
        }
        _ if is_quoted && !matches!(means, Meaning::Text | Meaning::Nothing) => {
            Some("write it without the quotes")
        }
        _ => None,
    }
}
