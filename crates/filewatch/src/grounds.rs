//! What lies below some roots, by its looks alone: no file is opened.

use crate::chain::Chain;
use crate::fingerprint::{Fingerprint, Id};
use crate::settle::Suspects;
use crate::ward::{Scope, Wards, ward};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

type Enter = Box<dyn Fn(&Path) -> bool + Send>;

pub(crate) struct Grounds {
    roots: Vec<PathBuf>,
    enter: Enter,
    survey: Survey,
}

#[derive(Default)]
struct Survey {
    chains: Vec<Chain>,
    /// By their paths without symlinks, which are those of events.
    folders: HashMap<PathBuf, Folder>,
    /// By their paths below the roots as these were given.
    files: BTreeMap<PathBuf, Fingerprint>,
}

#[derive(PartialEq, Eq)]
struct Folder {
    id: Id,
    shown: PathBuf,
}

impl Grounds {
    pub(crate) fn open(roots: Vec<PathBuf>, enter: Enter) -> Self {
        let survey = Survey::of(&roots, &enter);
        Self { roots, enter, survey }
    }

    /// Walks through everything. What changed goes to `changed`; true if other folders must be watched now.
    pub(crate) fn walk(&mut self, changed: &mut BTreeSet<PathBuf>) -> bool {
        let now = Survey::of(&self.roots, &self.enter);
        for (path, fingerprint) in &now.files {
            if !self.survey.files.get(path).is_some_and(|before| before.is_same_version(fingerprint)) {
                changed.insert(path.clone());
            }
        }
        changed.extend(self.survey.files.keys().filter(|path| !now.files.contains_key(*path)).cloned());
        let moved = now.folders != self.survey.folders || now.chains != self.survey.chains;
        self.survey = now;
        moved
    }

    /// Whether every suspect is a file in a known folder, so that it is enough to look at these.
    pub(crate) fn are_plain(&self, suspects: &Suspects) -> bool {
        suspects.keys().all(|at| {
            let known = |folder: &Path| self.survey.folders.contains_key(folder);
            at.parent().is_some_and(known) && !known(at) && !at.is_dir()
        })
    }

    /// Looks at these files in known folders; the ones that changed.
    pub(crate) fn visit(&mut self, suspects: &Suspects) -> BTreeSet<PathBuf> {
        let mut changed = BTreeSet::new();
        for at in suspects.keys() {
            let folder = at.parent().and_then(|parent| self.survey.folders.get(parent));
            let (Some(folder), Some(name)) = (folder, at.file_name()) else { continue };
            let path = folder.shown.join(name);
            let now = fs::metadata(at).ok().map(|found| Fingerprint::of(&found));
            let before = match &now {
                Some(now) => self.survey.files.insert(path.clone(), now.clone()),
                None => self.survey.files.remove(&path),
            };
            let same = match (&before, &now) {
                (Some(before), Some(now)) => before.is_same_version(now),
                (None, None) => true,
                _ => false,
            };
            if !same {
                changed.insert(path);
            }
        }
        changed
    }

    /// The path below the roots as they were given; `None` if its folder is not known.
    pub(crate) fn shown(&self, at: &Path) -> Option<PathBuf> {
        let folder = self.survey.folders.get(at.parent()?)?;
        Some(folder.shown.join(at.file_name()?))
    }

    pub(crate) fn wards(&self) -> Wards {
        let mut wards = Wards::new();
        for link in self.survey.chains.iter().flat_map(Chain::loose) {
            ward(&mut wards, &link.folder, link.id).add(link);
        }
        for (path, folder) in &self.survey.folders {
            let ward = ward(&mut wards, path, folder.id);
            ward.scope = Scope::Everything;
            ward.vital = true;
        }
        wards
    }
}

impl Survey {
    fn of(roots: &[PathBuf], enter: &Enter) -> Self {
        let mut survey = Self::default();
        for root in roots {
            let chain = Chain::follow(root);
            if let Some((path, _)) = &chain.end {
                survey.enter(path, root, enter);
            }
            survey.chains.push(chain);
        }
        survey
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
