//! What is needed to tell where a value that is not accepted stands, without telling too much.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::diagnosis::{Problem, Rejection, cut, printable};
use crate::history::Change;
use crate::origin::{Origin, Provenance};
use crate::page::{Line, Pages};
use crate::secrets::Secrets;
use crate::tree::{Node, Span};

/// It has no `Debug`: it holds the documents and the secrets.
pub(crate) struct Evidence {
    pub(crate) provenance: Provenance,
    pub(crate) secrets: Secrets,
    pages: Pages,
    /// The secrets themselves, so that no message from outside repeats one.
    texts: Vec<String>,
    declared: BTreeSet<String>,
}

/// A longer value is cut.
const LONGEST: usize = 60;
/// A shorter secret is part of many words.
const SHORT: usize = 4;

impl Evidence {
    /// `former` are the secrets in force, which an edit may have put in a wrong place.
    pub(crate) fn new(root: &Node, secrets: &Secrets, pages: Pages, former: Vec<String>) -> Evidence {
        let mut texts = secrets.texts(root);
        texts.extend(former);
        texts.sort_by_key(|text| Reverse(text.len()));
        Evidence {
            provenance: Provenance::of(root, secrets),
            secrets: secrets.clone(),
            pages,
            texts,
            declared: BTreeSet::new(),
        }
    }

    pub(crate) fn declare(&mut self, declared: BTreeSet<String>) {
        self.declared = declared;
    }

    /// A value of the right type that is not accepted, in the words of a validator: with the value.
    pub(crate) fn violation(&self, path: &str, message: &str) -> Problem {
        let mut problem = self.rejection(path, message);
        let place = self.provenance.nearest(path).filter(|(_, is_exact)| *is_exact);
        if let Some(text) = place.and_then(|(place, _)| place.text.as_deref()) {
            problem.message.push_str(", found ");
            problem.message.push_str(&self.quoted(text));
        }
        problem
    }

    /// A value that a rule or a consumer rejects. What it says to do may repeat the path in another form, so it is left out
    /// where the path holds a secret.
    pub(crate) fn rejected(&self, rejection: &Rejection) -> Problem {
        let problem = self.rejection(&rejection.path, &rejection.message);
        match &rejection.help {
            Some(help) if self.scrubbed(&rejection.path) == rejection.path => {
                problem.help(self.scrubbed(help))
            }
            _ => problem,
        }
    }

    /// A value that is not accepted, in the words of whoever does not accept it.
    pub(crate) fn rejection(&self, path: &str, message: &str) -> Problem {
        let problem = Problem::plain(self.scrubbed(message))
            .public_words("the value is not accepted")
            .public_path(self.public(path))
            .path(self.scrubbed(path));
        match self.provenance.nearest(path) {
            Some((place, is_exact)) => {
                let line = if is_exact { self.line(&place.origin, place.span) } else { None };
                problem.at(place.origin.clone()).showing(line)
            }
            None => problem,
        }
    }

    /// The line of a value, if it may be shown.
    pub(crate) fn line(&self, origin: &Origin, span: Option<Span>) -> Option<Line> {
        let Origin::File { path, .. } = origin else { return None };
        let line = self.pages.get(path)?.line(span?)?;
        (self.scrubbed(&line.text) == line.text).then_some(line)
    }

    /// A value as a sentence names it.
    pub(crate) fn quoted(&self, text: &str) -> String {
        match cut(&printable(&self.scrubbed(text)), LONGEST) {
            empty if empty.is_empty() => "an empty text".to_owned(),
            text => format!("`{text}`"),
        }
    }

    /// A text without any secret that it may have repeated.
    pub(crate) fn scrubbed(&self, text: &str) -> String {
        self.texts.iter().fold(text.to_owned(), |text, secret| masked(&text, secret))
    }

    /// A change without any secret that someone wrote in another value's place.
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

    /// The part of a path that the type names.
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

/// A short secret is masked where it stands as a word: it would tear other words apart.
fn masked(text: &str, secret: &str) -> String {
    if secret.chars().count() >= SHORT {
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
