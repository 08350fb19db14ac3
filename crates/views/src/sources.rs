//! The files of one set of templates.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Error;
use crate::instrument::{self, Instrumented};
use crate::position::Position;
use crate::references;

/// The most templates that one may extend, one through the other. The engine copies the blocks of all of them for each of them.
/// With 200 it took 1.4 s (debug build, one core).
const MOST_PARENTS: usize = 50;

/// The bytes of every template by its name, which is its path below the folder: `parts/head.html`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sources(BTreeMap<String, Arc<[u8]>>);

impl Sources {
    /// `files` are given by their paths below the folder.
    pub(crate) fn new(folder: &Path, files: Vec<(PathBuf, Arc<[u8]>)>) -> Result<Sources, Error> {
        if files.is_empty() {
            return Err(Error::empty_folder(folder));
        }
        let named = files.into_iter().map(|(path, bytes)| match name(&path) {
            Some(name) => Ok((name, bytes)),
            None => Err(Error::name_not_utf8(folder, &path)),
        });
        Ok(Sources(named.collect::<Result<_, _>>()?))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The text of a template; none if it is no UTF-8.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.0.get(name)?).ok()
    }

    /// The text of every template, ready to be compiled.
    pub(crate) fn instrumented(&self, folder: &Path) -> Result<BTreeMap<String, Instrumented>, Error> {
        let texts = self.texts(folder)?;
        let assigned = texts.values().flat_map(|text| instrument::assigned(text)).collect();
        let parents =
            texts.iter().filter_map(|(name, text)| Some((*name, references::parent(text)?))).collect();
        if let Some(name) = texts.keys().find(|name| depth(name, &parents) > MOST_PARENTS) {
            return Err(Error::too_many_parents(folder, name, MOST_PARENTS));
        }
        Ok(texts
            .iter()
            .map(|(name, text)| ((*name).to_owned(), instrument::instrument(text, &assigned)))
            .collect())
    }

    pub(crate) fn texts(&self, folder: &Path) -> Result<BTreeMap<&str, &str>, Error> {
        let texts = self.0.iter().map(|(name, bytes)| match std::str::from_utf8(bytes) {
            Ok(text) => Ok((name.as_str(), text)),
            Err(error) => {
                let text = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                Err(Error::not_text(folder, name, Position::START.after(&text)))
            }
        });
        texts.collect()
    }

    /// The names that were added, removed or edited in `newer`, in order.
    pub(crate) fn changed(&self, newer: &Sources) -> Vec<String> {
        let gone_or_edited = self.0.iter().filter(|(name, bytes)| newer.0.get(*name) != Some(bytes));
        let added = newer.0.iter().filter(|(name, _)| !self.contains(name));
        let mut names: Vec<String> = gone_or_edited.chain(added).map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        names
    }

    /// The position at which `from` names `to` after `word`, which is `include` or `extends`.
    pub(crate) fn call(&self, from: &str, word: &str, to: &str) -> Option<Position> {
        references::position_of(self.text(from)?, word, to)
    }
}

/// The number of templates that `name` extends, one through the other; 0 if they form a circle, which the compiler reports.
fn depth(name: &str, parents: &BTreeMap<&str, &str>) -> usize {
    let chain = std::iter::successors(parents.get(name), |parent| parents.get(*parent));
    let depth = chain.take(parents.len() + 1).count();
    if depth > parents.len() { 0 } else { depth }
}

/// The name with `/` on any platform. `None` if the path is not UTF-8.
fn name(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path.iter().map(|part| part.to_str()).collect();
    parts.map(|parts| parts.join("/"))
}
