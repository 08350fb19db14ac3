//! The keys of secrets, and the files that hold secrets.

use std::path::{Path, PathBuf};

use filewatch::{Files, ReadError, ReadErrorKind};

use crate::origin::Origin;
use crate::path::below;
use crate::problem::Problem;
use crate::tree::{Entry, Mark, Node, Style, Value};

/// The dotted paths of the secrets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets {
    paths: Vec<String>,
}

/// Upper bound on the size of a secret's file, in bytes.
const MAX_SIZE: u64 = 64 * 1024;

impl Secrets {
    pub(crate) fn add(&mut self, path: &str) {
        self.paths.push(path.to_owned());
    }

    /// True if the value at this path is a secret, or part of one.
    pub(crate) fn covers(&self, path: &str) -> bool {
        self.paths.iter().any(|secret| leads_to(secret, path))
    }

    /// True if a value at this path may contain a secret. That is so at or below a secret's path, and in the place of a map
    /// with a secret in it (`database: postgres://admin:hunter2@localhost`).
    pub(crate) fn may_contain_at(&self, path: &str) -> bool {
        self.covers(path) || self.paths.iter().any(|secret| leads_to(path, secret))
    }

    /// The keys by which the secrets in the map at this path may be given as files: `password_file`.
    pub(crate) fn file_keys(&self, path: &str) -> impl Iterator<Item = String> {
        self.paths.iter().filter_map(move |secret| {
            let (parent, name) = split(secret);
            (parent == path).then(|| file_key(name))
        })
    }

    /// Replaces every `x_file: PATH` of a layer by an `x` with that file, so that layers merge. A relative path counts from `folder`.
    pub(crate) fn redirect(&self, layer: &mut Node, folder: &Path) -> Result<(), Problem> {
        for secret in &self.paths {
            let (parent, name) = split(secret);
            if let Some(entries) = entries_at(layer, parent) {
                redirect(entries, parent, name, folder)?;
            }
        }
        Ok(())
    }

    /// Reads the files that the merged layers name.
    pub(crate) fn resolve(&self, root: &mut Node, files: &mut Files<'_>) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        for secret in &self.paths {
            let (parent, name) = split(secret);
            let Some(entry) = entries_at(root, parent)
                .and_then(|entries| entries.iter_mut().find(|entry| entry.key == name))
            else {
                continue;
            };
            let Value::File(path) = &entry.node.value else { continue };
            match content(path, files) {
                Ok(text) => {
                    let origin = Origin::File { path: path.as_path().into(), line: 1, column: 1 };
                    let mark = Mark { quotable: false, ..Mark::of(origin) };
                    entry.node = Node::text(text, Style::Quoted, mark);
                }
                Err(message) => problems.push(
                    Problem::plain(message)
                        .at(entry.node.mark.origin.clone())
                        .path(below(parent, &file_key(name)))
                        .help("a relative path counts from the folder of the file that names it"),
                ),
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// True if a secret, or a text in the place of a map with a secret in it, is in this tree.
    pub(crate) fn are_in(&self, root: &Node) -> bool {
        self.are_below("", root)
    }

    fn are_below(&self, path: &str, node: &Node) -> bool {
        match &node.value {
            _ if self.covers(path) => true,
            Value::Map(entries) => {
                entries.iter().any(|entry| self.are_below(&below(path, &entry.key), &entry.node))
            }
            Value::List(items) => {
                let mut items = items.iter().enumerate();
                items.any(|(index, item)| self.are_below(&below(path, &index.to_string()), item))
            }
            Value::Scalar(_) | Value::File(_) => self.may_contain_at(path),
        }
    }

    /// Every text at or below a secret's path.
    pub(crate) fn texts(&self, root: &Node) -> Vec<String> {
        let mut texts = Vec::new();
        self.collect("", root, &mut texts);
        texts
    }

    fn collect(&self, path: &str, node: &Node, texts: &mut Vec<String>) {
        match &node.value {
            _ if !self.may_contain_at(path) => {}
            Value::Scalar(scalar) if self.covers(path) && !scalar.text.is_empty() => {
                texts.push(scalar.text.clone());
            }
            Value::Map(entries) => {
                for entry in entries {
                    self.collect(&below(path, &entry.key), &entry.node, texts);
                }
            }
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.collect(&below(path, &index.to_string()), item, texts);
                }
            }
            Value::Scalar(_) | Value::File(_) => {}
        }
    }
}

fn redirect(entries: &mut [Entry], parent: &str, name: &str, folder: &Path) -> Result<(), Problem> {
    let key = file_key(name);
    let Some(place) = entries.iter().position(|entry| same(entry, &key)) else { return Ok(()) };
    let path = below(parent, &key);
    if entries.iter().any(|entry| same(entry, name)) {
        return Err(Problem::plain(format!("both `{name}` and `{key}` are given, expected one"))
            .at(entries[place].mark.origin.clone())
            .path(path)
            .help("remove one of the two"));
    }
    let entry = &mut entries[place];
    let target = match &entry.node.value {
        Value::Scalar(scalar) if !scalar.text.is_empty() && !entry.node.is_nothing() => {
            folder.join(&scalar.text)
        }
        _ => {
            return Err(Problem::plain("expected the path of a file")
                .at(entry.node.mark.origin.clone())
                .path(path));
        }
    };
    name.clone_into(&mut entry.key);
    entry.node.value = Value::File(target);
    Ok(())
}

fn content(path: &PathBuf, files: &mut Files<'_>) -> Result<String, String> {
    let bytes = files.read(path, MAX_SIZE).map_err(|error| unreadable(&error))?;
    let text =
        std::str::from_utf8(&bytes).map_err(|_| "the file that it names is not UTF-8 text".to_owned())?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err("the file that it names is empty, expected the secret".to_owned());
    }
    Ok(text.to_owned())
}

/// Why a file cannot be read. The path is not repeated: someone may have written the secret itself in its place.
fn unreadable(error: &ReadError) -> String {
    let why = match &error.kind {
        ReadErrorKind::Missing => "is missing".to_owned(),
        ReadErrorKind::Denied => "may not be read by this process".to_owned(),
        ReadErrorKind::NotAFile(what) => format!("is {what}, expected a regular file"),
        ReadErrorKind::TooLarge { limit } => format!("is too large, expected at most {limit} bytes"),
        ReadErrorKind::Loop => "leads through a circle of symlinks".to_owned(),
        ReadErrorKind::Other(kind, _) => format!("cannot be read: {kind}"),
        _ => "cannot be read".to_owned(),
    };
    format!("the file that it names {why}")
}

fn entries_at<'a>(root: &'a mut Node, path: &str) -> Option<&'a mut Vec<Entry>> {
    let mut node = root;
    for key in path.split('.').filter(|key| !key.is_empty()) {
        let Value::Map(entries) = &mut node.value else { return None };
        node = &mut entries.iter_mut().find(|entry| same(entry, key))?.node;
    }
    match &mut node.value {
        Value::Map(entries) => Some(entries),
        _ => None,
    }
}

fn same(entry: &Entry, key: &str) -> bool {
    entry.key == key || (entry.mark.ignores_case && entry.key.eq_ignore_ascii_case(key))
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}

fn file_key(name: &str) -> String {
    format!("{name}_file")
}

fn leads_to(upper: &str, lower: &str) -> bool {
    upper.is_empty() || lower.strip_prefix(upper).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::Secrets;

    #[test]
    fn a_secret_concerns_what_is_above_and_below_it() {
        let mut secrets = Secrets::default();
        secrets.add("database.password");
        secrets.add("tokens");
        for (path, covered, concerned) in [
            ("database.password", true, true),
            ("database", false, true),
            ("", false, true),
            ("database.host", false, false),
            ("database.password_file", false, false),
            ("tokens", true, true),
            ("tokens.0", true, true),
            ("tokens2", false, false),
        ] {
            assert_eq!(secrets.covers(path), covered, "{path}");
            assert_eq!(secrets.may_contain_at(path), concerned, "{path}");
        }
    }
}
