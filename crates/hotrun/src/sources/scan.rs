//! Walks through the watched folders.

use std::fs::{self, DirEntry};
use std::path::PathBuf;
use std::time::SystemTime;

use crate::sources::ignores::Ignores;
use crate::sources::mtime;
use crate::sources::rules::{SourceRules, Verdict};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Number of watched folders.
    pub(crate) folders: usize,
    /// Files that may be sources by the rules alone.
    pub(crate) files: Vec<PathBuf>,
}

impl Scan {
    /// Walks from the roots. Symlinks are not followed.
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

    /// All files that were written, made or moved since then, sources or not.
    pub(crate) fn modified_since(rules: &SourceRules, ignores: &Ignores, since: SystemTime) -> Vec<PathBuf> {
        let mut files = Vec::new();
        walk(rules, ignores, |entry| {
            if entry.metadata().is_ok_and(|found| mtime::is_younger(&found, since)) {
                files.push(entry.path());
            }
        });
        files
    }

    /// The same as [`Scan::of`], with the ignore files read anew.
    pub(crate) fn new(rules: &SourceRules) -> Self {
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
