//! Tells where a rejected value came from, and keeps secrets out of what is told.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::history::Change;
use crate::origin::Origin;
use crate::problem::Problem;
use crate::provenance::Provenance;
use crate::rejection::Rejection;
use crate::secrets::Secrets;
use crate::source_map::{Line, SourceMaps};
use crate::text::{cut, printable};
use crate::tree::{Node, Span};

/// The files, origins and secrets of one configuration. It has no `Debug`, since it holds the secrets.
pub(crate) struct Redactor {
    pub(crate) provenance: Provenance,
    pub(crate) secrets: Secrets,
    sources: SourceMaps,
    /// The secrets themselves, longest first: no text may contain one of them.
    texts: Vec<String>,
    /// The paths that the type declares.
    declared: BTreeSet<String>,
}

/// Longest value that is shown, in characters.
const MAX_VALUE: usize = 60;
/// A secret of fewer characters is part of many words, so it is masked only as a word of its own.
const MIN_LENGTH: usize = 4;

impl Redactor {
    /// `former` are the secrets of the configuration in force: an edit may have moved one to a wrong place.
    pub(crate) fn new(
        root: &Arc<Node>,
        secrets: &Secrets,
        sources: SourceMaps,
        former: Vec<String>,
    ) -> Redactor {
        let mut texts = secrets.texts(root);
        texts.extend(former);
        texts.sort_by_key(|text| Reverse(text.len()));
        Redactor {
            provenance: Provenance::of(root, secrets),
            secrets: secrets.clone(),
            sources,
            texts,
            declared: BTreeSet::new(),
        }
    }

    pub(crate) fn declare(&mut self, declared: BTreeSet<String>) {
        self.declared = declared;
    }

    /// The problem of a value that was rejected, with its place. The help may repeat the path in another form, so it is left
    /// out if the path contains a secret.
    pub(crate) fn rejected(&self, rejection: &Rejection) -> Problem {
        let path = rejection.path.as_str();
        let nearest = self.provenance.nearest(path);
        let exact = nearest.filter(|(_, is_exact)| *is_exact).map(|(place, _)| place);
        let mut message = self.scrubbed(&rejection.message);
        if let Some(text) = exact.filter(|_| rejection.names_value).and_then(|place| place.text.as_deref()) {
            message.push_str(", found ");
            message.push_str(&self.quoted(text));
        }
        let mut problem = Problem::plain(message)
            .public_message("the value is not accepted")
            .public_path(self.public(path))
            .path(self.scrubbed(path))
            .showing(exact.and_then(|place| self.line(&place.origin, place.span)));
        if let Some((place, _)) = nearest {
            problem = problem.at(place.origin.clone());
        }
        match &rejection.help {
            Some(help) if self.scrubbed(path) == path => problem.help(self.scrubbed(help)),
            _ => problem,
        }
    }

    /// The line of a value, if it may be shown.
    pub(crate) fn line(&self, origin: &Origin, span: Option<Span>) -> Option<Line> {
        let Origin::File { path, .. } = origin else { return None };
        let line = self.sources.get(&**path)?.line(span?)?;
        (self.scrubbed(&line.text) == line.text).then_some(line)
    }

    /// A value in backticks.
    pub(crate) fn quoted(&self, text: &str) -> String {
        match cut(&printable(&self.scrubbed(text)), MAX_VALUE) {
            empty if empty.is_empty() => "an empty text".to_owned(),
            text => format!("`{text}`"),
        }
    }

    /// A text in which every secret is replaced by `***`.
    pub(crate) fn scrubbed(&self, text: &str) -> String {
        self.texts.iter().fold(text.to_owned(), |text, secret| masked(&text, secret))
    }

    /// A change without secrets: someone may have written one in the place of another value.
    pub(crate) fn masked(&self, change: Change) -> Change {
        let Change { path, from, to } = change;
        Change { path: self.scrubbed(&path), from: self.masked_value(from), to: self.masked_value(to) }
    }

    fn masked_value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.scrubbed(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.masked_value(item)).collect(),
            Value::Object(entries) => entries
                .into_iter()
                .map(|(key, value)| (self.scrubbed(&key), self.masked_value(value)))
                .collect(),
            other => other,
        }
    }

    /// The part of a path that the type declares.
    fn public(&self, path: &str) -> String {
        let mut path = path;
        while !self.declared.contains(path) {
            match path.rsplit_once('.') {
                Some((parent, _)) => path = parent,
                None => return String::new(),
            }
        }
        path.to_owned()
    }
}

/// Replaces a secret by `***`; a short one only where it is a word of its own.
fn masked(text: &str, secret: &str) -> String {
    if secret.chars().count() >= MIN_LENGTH {
        return text.replace(secret, "***");
    }
    let mut masked = String::new();
    let mut rest = text;
    let mut before = None;
    while let Some(place) = rest.find(secret) {
        let (left, right) = (&rest[..place], &rest[place + secret.len()..]);
        let neighbours = [left.chars().next_back().or(before), right.chars().next()];
        let is_word = !neighbours.into_iter().flatten().any(char::is_alphanumeric);
        masked.push_str(left);
        masked.push_str(if is_word { "***" } else { secret });
        before = secret.chars().next_back();
        rest = right;
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn secrets_are_masked_wherever_they_were_repeated() {
        for (text, secret, expected) in [
            ("token `hunter2` is short", "hunter2", "token `***` is short"),
            ("xhunter2x", "hunter2", "x***x"),
            ("expected at least 8 characters", "a", "expected at least 8 characters"),
            ("token `a` is short", "a", "token `***` is short"),
            ("ab ab", "ab", "*** ***"),
            ("äb", "b", "äb"),
            ("nothing here", "hunter2", "nothing here"),
        ] {
            assert_eq!(masked(text, secret), expected, "{text}");
        }
    }
}
