//! What there is to watch.

use std::fs::{self, DirEntry};
use std::path::PathBuf;
use std::time::SystemTime;

use crate::sources::ignores::Ignores;
use crate::sources::rules::{SourceRules, Verdict};
use crate::sources::stamp;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    /// How many folders are watched.
    pub(crate) folders: usize,
    /// Files that may count by the rules alone.
    pub(crate) files: Vec<PathBuf>,
}

impl Survey {
    /// Walks from the roots, following no symlinks.
    pub(crate) fn of(rules: &SourceRules, ignores: &Ignores) -> Self {
        let mut files = Vec::new();
        let folders = walk(rules, ignores, |entry| {
            let path = entry.path();
            if matches!(rules.verdict(&path, ignores), Verdict::Named | Verdict::Likely) {
                files.push(path);
            }
        });
        Self { folders, files }
    }

    /// The files that were changed, made or moved after that time, whether they count or not.
    pub(crate) fn younger(rules: &SourceRules, ignores: &Ignores, than: SystemTime) -> Vec<PathBuf> {
        let mut files = Vec::new();
        walk(rules, ignores, |entry| {
            if entry.metadata().is_ok_and(|found| stamp::is_younger(&found, than)) {
                files.push(entry.path());
            }
        });
        files
    }

    /// The same as [`Survey::of`], for whoever only wants to know.
    pub(crate) fn taken(rules: &SourceRules) -> Self {
        Self::of(rules, &Ignores::of(&rules.roots))
    }
}

/// Visits every file below the roots, and counts the folders.
fn walk(rules: &SourceRules, ignores: &Ignores, mut visit: impl FnMut(&DirEntry)) -> usize {
    let mut count = 0;
    let mut folders = rules.roots.clone();
    while let Some(folder) = folders.pop() {
        count += 1;
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                folders.extend(Some(entry.path()).filter(|path| rules.enters(path, ignores)));
            } else {
                visit(&entry);
            }
        }
    }
    count
}
