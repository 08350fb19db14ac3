//! Everything below some roots, by size and times: no file is opened.

use crate::dir_filter::{self, DirFilters, Scope};
use crate::fingerprint::{Fingerprint, Id};
use crate::resolved_path::ResolvedPath;
use crate::settle::Pending;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

type Enter = Box<dyn Fn(&Path) -> bool + Send>;

pub(crate) struct DirIndex {
    roots: Vec<PathBuf>,
    enter: Enter,
    entries: Entries,
}

#[derive(Default)]
struct Entries {
    ways: Vec<ResolvedPath>,
    /// By path without symlinks, as in events.
    folders: HashMap<PathBuf, Folder>,
    /// By path below the roots as they were given.
    files: BTreeMap<PathBuf, Fingerprint>,
}

#[derive(PartialEq, Eq)]
struct Folder {
    id: Id,
    shown: PathBuf,
}

impl DirIndex {
    pub(crate) fn open(roots: Vec<PathBuf>, enter: Enter) -> Self {
        let entries = Entries::of(&roots, &enter);
        Self { roots, enter, entries }
    }

    /// Walks through everything and adds the changed files to `changed`. True if other folders must be watched now.
    pub(crate) fn walk(&mut self, changed: &mut BTreeSet<PathBuf>) -> bool {
        let now = Entries::of(&self.roots, &self.enter);
        let before = &self.entries.files;
        let paths = now.files.keys().chain(before.keys());
        changed.extend(paths.filter(|path| differ(before.get(*path), now.files.get(*path))).cloned());
        let moved = now.folders != self.entries.folders || now.ways != self.entries.ways;
        self.entries = now;
        moved
    }

    /// True if every pending path is a file in a known folder, so that no walk is needed.
    pub(crate) fn are_files(&self, pending: &Pending) -> bool {
        pending.keys().all(|path| {
            let known = |folder: &Path| self.entries.folders.contains_key(folder);
            path.parent().is_some_and(known) && !known(path) && !path.is_dir()
        })
    }

    /// Looks at these files in known folders. Returns those that changed.
    pub(crate) fn look(&mut self, pending: &Pending) -> BTreeSet<PathBuf> {
        let mut changed = BTreeSet::new();
        for real in pending.keys() {
            let folder = real.parent().and_then(|parent| self.entries.folders.get(parent));
            let (Some(folder), Some(name)) = (folder, real.file_name()) else { continue };
            let path = folder.shown.join(name);
            let now = fs::metadata(real).ok().map(|found| Fingerprint::of(&found));
            let before = match &now {
                Some(now) => self.entries.files.insert(path.clone(), now.clone()),
                None => self.entries.files.remove(&path),
            };
            if differ(before.as_ref(), now.as_ref()) {
                changed.insert(path);
            }
        }
        changed
    }

    /// The path below the roots as they were given; `None` if its folder is not known.
    pub(crate) fn shown(&self, at: &Path) -> Option<PathBuf> {
        let folder = self.entries.folders.get(at.parent()?)?;
        Some(folder.shown.join(at.file_name()?))
    }

    pub(crate) fn filters(&self) -> DirFilters {
        let folders = self.entries.folders.iter().map(|(path, folder)| (path, folder.id));
        dir_filter::filters(self.entries.ways.iter(), folders, Scope::Everything)
    }
}

impl Entries {
    fn of(roots: &[PathBuf], enter: &Enter) -> Self {
        let mut entries = Self::default();
        for root in roots {
            let way = ResolvedPath::new(root);
            if let Some((path, _)) = &way.end {
                entries.enter(path, root, enter);
            }
            entries.ways.push(way);
        }
        entries
    }

    /// Symlinks to folders are not followed below the roots, so there are no circles.
    fn enter(&mut self, path: &Path, shown: &Path, enter: &Enter) {
        let Ok(found) = fs::metadata(path) else { return };
        if !found.is_dir() {
            self.files.insert(shown.to_owned(), Fingerprint::of(&found));
            return;
        }
        if self.folders.contains_key(path) {
            return;
        }
        self.folders.insert(path.to_owned(), Folder { id: Id::of(&found), shown: shown.to_owned() });
        let Ok(entries) = fs::read_dir(path) else { return };
        for entry in entries.flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            let shown = shown.join(entry.file_name());
            let path = entry.path();
            let wanted = if kind.is_dir() { enter(&shown) } else { !(kind.is_symlink() && path.is_dir()) };
            if wanted {
                self.enter(&path, &shown, enter);
            }
        }
    }
}

/// True if a file came, went or changed.
fn differ(before: Option<&Fingerprint>, now: Option<&Fingerprint>) -> bool {
    match (before, now) {
        (Some(before), Some(now)) => !before.is_same_version(now),
        (before, now) => before.is_some() != now.is_some(),
    }
}
