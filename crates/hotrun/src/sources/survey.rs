//! What there is to watch.

use std::fs;
use std::path::PathBuf;

use crate::sources::ignores::Ignores;
use crate::sources::rules::{SourceRules, Verdict};

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
        let mut survey = Self::default();
        let mut folders = rules.roots.clone();
        while let Some(folder) = folders.pop() {
            survey.folders += 1;
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() {
                    folders.extend(Some(path).filter(|path| rules.enters(path, ignores)));
                } else if matches!(rules.verdict(&path, ignores), Verdict::Named | Verdict::Likely) {
                    survey.files.push(path);
                }
            }
        }
        survey
    }

    /// The same, for whoever only wants to know.
    pub(crate) fn taken(rules: &SourceRules) -> Self {
        Self::of(rules, &Ignores::of(&rules.roots))
    }
}
