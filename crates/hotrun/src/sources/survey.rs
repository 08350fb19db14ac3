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
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => {
                        if rules.enters(&path, ignores) {
                            folders.push(path);
                        }
                    }
                    Ok(_) if matches!(rules.verdict(&path, ignores), Verdict::Named | Verdict::Likely) => {
                        survey.files.push(path);
                    }
                    _ => {}
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
