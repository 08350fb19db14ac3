//! One reading of a tree into a type: what was read, what was not known, and how a fault is told.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::de::Here;
use crate::diagnosis::Problem;
use crate::effective::{Effective, Segment};
use crate::evidence::Evidence;
use crate::fault::{Fault, Raw};
use crate::origin::below;
use crate::suggest::{nearest, speakable};
use crate::tree::{Entry, Meaning, Node, Style, Value, meaning};

/// What all nodes of one reading share.
pub(crate) struct Reading<'a> {
    evidence: &'a Evidence,
    declared: RefCell<BTreeSet<String>>,
    effective: RefCell<Effective>,
    unknown: RefCell<Vec<Unknown>>,
}

/// A key that the type does not name.
pub(crate) struct Unknown {
    pub(crate) problem: Problem,
    pub(crate) is_override: bool,
}

/// What a reading came to.
pub(crate) struct Read<T> {
    pub(crate) value: Result<T, Problem>,
    pub(crate) effective: Effective,
    /// The paths that the type names.
    pub(crate) declared: BTreeSet<String>,
    pub(crate) unknown: Vec<Unknown>,
    /// Whether a required key was missing, which an unknown one may explain.
    pub(crate) is_incomplete: bool,
}

/// A path, and how much of it the type names; the rest are keys from the files.
#[derive(Clone, Default)]
pub(crate) struct Path {
    segments: Vec<Segment>,
    declared: usize,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(evidence: &'a Evidence) -> Reading<'a> {
        Reading {
            evidence,
            declared: RefCell::default(),
            effective: RefCell::default(),
            unknown: RefCell::default(),
        }
    }

    pub(crate) fn read<T: DeserializeOwned>(&self, root: &Node) -> Read<T> {
        let here = Here::root(root, self);
        let mut is_incomplete = false;
        let value = T::deserialize(&here).map_err(|fault| {
            let (problem, is_missing) = here.settle(fault);
            is_incomplete = is_missing;
            problem
        });
        Read {
            value,
            effective: self.effective.take(),
            declared: self.declared.take(),
            unknown: self.unknown.take(),
            is_incomplete,
        }
    }

    /// Notes that the type names this path.
    pub(crate) fn declare(&self, path: &Path) {
        self.declared.borrow_mut().insert(path.declared());
    }

    pub(crate) fn record(&self, path: &Path, value: Json) {
        let dotted = path.dotted();
        let mut effective = self.effective.borrow_mut();
        if self.evidence.secrets.cover(&dotted) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            effective.insert_secret(dotted, text);
        } else {
            effective.insert(&path.segments, value);
        }
    }

    pub(crate) fn unknown(&self, path: &Path, entry: &Entry, known: &[&str]) {
        let map = path.dotted();
        let files: Vec<String> = self.evidence.secrets.file_keys(&map).collect();
        let candidates = known.iter().copied().chain(files.iter().map(String::as_str));
        let is_override = entry.mark.origin.is_override();
        let meant = nearest(&entry.key, candidates).map(|key| format!("did you mean `{key}`?"));
        let help = meant.unwrap_or_else(|| {
            let known: Vec<_> = known.iter().map(|key| format!("`{key}`")).collect();
            format!("the keys here are {}", known.join(", "))
        });
        let is_secret = self.evidence.scrubbed(&entry.key) != entry.key;
        let name = if speakable(&entry.key) && !is_secret { below(&map, &entry.key) } else { map };
        let message = if is_override { "names no key" } else { "unknown key" };
        let problem = Problem::plain(message)
            .at(entry.mark.origin.clone())
            .path(name)
            .public_path(path.declared())
            .help(help);
        self.unknown.borrow_mut().push(Unknown { problem, is_override });
    }

    /// Tells a fault at the node that it is about.
    pub(crate) fn problem(&self, raw: Raw, here: &Here<'_>) -> Problem {
        let dotted = here.path.dotted();
        let problem = match raw {
            Raw::Missing(field) => {
                let mut missing = here.path.clone();
                missing.declare(field);
                return Problem::plain("required, but missing")
                    .at(here.key.origin.clone())
                    .path(missing.dotted())
                    .public_path(missing.declared());
            }
            Raw::Type { expected, kind } => {
                let problem =
                    Problem::plain(format!("expected {expected}, found {}", self.found(here, kind)))
                        .public_words(format!("expected {expected}"));
                match remedy(here.node, &expected) {
                    Some(help) => problem.help(help),
                    None => problem,
                }
            }
            Raw::Variant { known } => {
                let list: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
                let expected = format!("expected one of {}", list.join(", "));
                let problem = Problem::plain(format!("{expected}, found {}", self.found(here, "another")))
                    .public_words(expected);
                match self.quote(here).and_then(|text| nearest(text, known.iter().copied())) {
                    Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                    None => problem,
                }
            }
            Raw::Custom(_) if self.evidence.secrets.cover(&dotted) => {
                Problem::plain("the value is not accepted")
            }
            Raw::Custom(message) => {
                Problem::plain(self.evidence.scrubbed(&message)).public_words("the value is not accepted")
            }
        };
        let line =
            self.quote(here).and_then(|_| self.evidence.line(&here.node.mark.origin, here.node.mark.span));
        problem.at(here.node.mark.origin.clone()).path(dotted).public_path(here.path.declared()).showing(line)
    }

    fn found(&self, here: &Here<'_>, kind: &str) -> String {
        match &here.node.value {
            Value::Map(_) if kind == "a map" || kind.starts_with("another") => "a map".to_owned(),
            Value::List(_) if kind == "a list" || kind.starts_with("another") => "a list".to_owned(),
            Value::Map(_) | Value::List(_) | Value::File(_) => kind.to_owned(),
            Value::Scalar(scalar) => match (self.quote(here), scalar.style) {
                _ if here.node.is_nothing() => "nothing".to_owned(),
                (Some(text), Style::Quoted) => format!("the text {}", self.evidence.quoted(text)),
                (Some(text), _) => self.evidence.quoted(text),
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

    /// The text of a value that may be repeated.
    fn quote<'n>(&self, here: &Here<'n>) -> Option<&'n str> {
        match &here.node.value {
            Value::Scalar(scalar)
                if here.node.mark.quotable && !self.evidence.secrets.concern(&here.path.dotted()) =>
            {
                Some(&scalar.text)
            }
            _ => None,
        }
    }
}

impl Path {
    pub(crate) fn declare(&mut self, field: &str) {
        if self.declared == self.segments.len() {
            self.declared += 1;
        }
        self.segments.push(Segment::Key(field.to_owned()));
    }

    pub(crate) fn push(&mut self, segment: Segment) {
        self.segments.push(segment);
    }

    pub(crate) fn dotted(&self) -> String {
        dotted(&self.segments)
    }

    pub(crate) fn declared(&self) -> String {
        dotted(&self.segments[..self.declared])
    }
}

impl Here<'_> {
    /// Says where a fault is, unless that was done further down.
    pub(crate) fn locate(&self, fault: Fault) -> Fault {
        let (problem, is_missing) = self.settle(fault);
        Fault::Located { problem: Box::new(problem), is_missing }
    }

    fn settle(&self, fault: Fault) -> (Problem, bool) {
        match fault {
            Fault::Located { problem, is_missing } => (*problem, is_missing),
            Fault::Raw(raw) => {
                let is_missing = matches!(raw, Raw::Missing(_));
                (self.reading.problem(raw, self), is_missing)
            }
        }
    }
}

fn dotted(segments: &[Segment]) -> String {
    let segments = segments.iter().map(|segment| match segment {
        Segment::Key(key) => key.clone(),
        Segment::Index(index) => index.to_string(),
    });
    segments.collect::<Vec<_>>().join(".")
}

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
