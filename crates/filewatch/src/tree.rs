//! One folder that a build read, with all that is below it, as it is known at the moment.

use crate::chain::Chain;
use crate::error::ReadErrorKind;
use crate::fingerprint::Id;
use crate::reading::{self, Glimpse};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};

pub(crate) type Keep = Box<dyn Fn(&Path) -> bool + Send>;

/// The files that a build was given, by their paths below the folder; or what could not be read.
pub(crate) type Listing = Result<Vec<PathBuf>, (PathBuf, ReadErrorKind)>;

pub(crate) struct WatchedTree {
    root: PathBuf,
    keep: Keep,
    survey: Survey,
    seen: Option<Listing>,
    pub(crate) used: u64,
}

/// Everything that is visible below a folder.
#[derive(Debug, PartialEq, Eq)]
struct Survey {
    /// The ways to the folder itself and to every folder that a symlink leads to.
    chains: Vec<Chain>,
    folders: Vec<Folder>,
    /// Everything but folders, by path below the root.
    names: Vec<PathBuf>,
    error: Option<(PathBuf, ReadErrorKind)>,
}

/// A folder of the tree, by its path without symlinks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) id: Id,
    below: PathBuf,
    glimpse: Glimpse,
}

impl WatchedTree {
    pub(crate) fn open(root: PathBuf, keep: Keep) -> Self {
        Self { survey: Survey::of(&root), root, keep, seen: None, used: 0 }
    }

    /// From now on `keep` says which files are wanted.
    pub(crate) fn keep(&mut self, keep: Keep) {
        self.keep = keep;
    }

    /// The files wanted, which the build of this number has now seen.
    pub(crate) fn give(&mut self, build: u64) -> Listing {
        self.used = build;
        let listing = self.listing();
        self.seen = Some(listing.clone());
        listing
    }

    pub(crate) fn differs(&self) -> bool {
        self.seen.as_ref() != Some(&self.listing())
    }

    pub(crate) fn chains(&self) -> &[Chain] {
        &self.survey.chains
    }

    pub(crate) fn folders(&self) -> &[Folder] {
        &self.survey.folders
    }

    /// Lists everything again; whether other folders must be watched now.
    pub(crate) fn walk(&mut self) -> bool {
        let before = mem::replace(&mut self.survey, Survey::of(&self.root));
        let ids = |survey: &Survey| -> Vec<_> {
            survey.folders.iter().map(|folder| (folder.path.clone(), folder.id)).collect()
        };
        before.chains != self.survey.chains || ids(&before) != ids(&self.survey)
    }

    /// The paths of the files wanted.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        self.listing().unwrap_or_default().iter().map(|below| self.root.join(below)).collect()
    }

    /// Looks whether a file or folder that matters came or went.
    pub(crate) fn looks_different(&mut self) -> bool {
        let same = |folder: &Folder| reading::glimpse(&folder.path) == folder.glimpse;
        if self.survey.error.is_none() && self.survey.folders.iter().all(same) {
            return false;
        }
        let before = self.listing();
        self.walk() || self.listing() != before
    }

    /// Whether something that happened at `at`, a path free of symlinks, may matter.
    pub(crate) fn concerns(&self, at: &Path) -> bool {
        let links = || self.survey.chains.iter().flat_map(|chain| &chain.links);
        if links().any(|link| link.at == at) || self.survey.folders.iter().any(|folder| folder.path == at) {
            return true;
        }
        let (Some(parent), Some(name)) = (at.parent(), at.file_name()) else { return false };
        if is_hidden(name) {
            return false;
        }
        let mut here = self.survey.folders.iter().filter(|folder| folder.path == parent);
        here.any(|folder| (self.keep)(&folder.below.join(name)) || at.is_dir())
    }

    fn listing(&self) -> Listing {
        match &self.survey.error {
            Some(error) => Err(error.clone()),
            None => Ok(self.survey.names.iter().filter(|name| (self.keep)(name)).cloned().collect()),
        }
    }
}

impl Survey {
    fn of(root: &Path) -> Self {
        let mut survey = Self { chains: Vec::new(), folders: Vec::new(), names: Vec::new(), error: None };
        survey.enter(root, PathBuf::new(), &mut Vec::new());
        survey.names.sort();
        survey
    }

    /// Lists what lies `below` the root, unless it is one of the folders it was reached through.
    fn enter(&mut self, root: &Path, below: PathBuf, through: &mut Vec<Id>) {
        let path = root.join(&below);
        let chain = Chain::follow(&path);
        let end = chain.end.clone();
        let is_way = below.as_os_str().is_empty() || chain.last().is_some_and(|last| last.at != path);
        if is_way {
            self.chains.push(chain);
        }
        let Some((path, id)) = end else {
            let kind = reading::glimpse(&path).err().unwrap_or(ReadErrorKind::Missing);
            return self.fail(below, kind);
        };
        if through.contains(&id) {
            return;
        }
        let glimpse = reading::glimpse(&path);
        let entries = match list(&path) {
            Ok(entries) => entries,
            Err(kind) => return self.fail(below, kind),
        };
        self.folders.push(Folder { path, id, below: below.clone(), glimpse });
        through.push(id);
        for (name, is_folder) in entries {
            let below = below.join(name);
            if is_folder {
                self.enter(root, below, through);
            } else {
                self.names.push(below);
            }
        }
        through.pop();
    }

    /// A folder below the root that is gone by now will be heard of; the root itself must be there.
    fn fail(&mut self, below: PathBuf, kind: ReadErrorKind) {
        let matters = below.as_os_str().is_empty() || kind != ReadErrorKind::Missing;
        if matters && self.error.is_none() {
            self.error = Some((below, kind));
        }
    }
}

fn list(path: &Path) -> Result<Vec<(PathBuf, bool)>, ReadErrorKind> {
    let found = fs::metadata(path)?;
    if !found.is_dir() {
        return Err(ReadErrorKind::NotAFile(reading::name_of(found.file_type())));
    }
    let visible =
        |entry: &io::Result<fs::DirEntry>| !entry.as_ref().is_ok_and(|entry| is_hidden(&entry.file_name()));
    let entries = fs::read_dir(path)?.filter(visible).map(|entry| {
        let entry = entry?;
        let kind = entry.file_type()?;
        let is_folder = kind.is_dir() || (kind.is_symlink() && entry.path().is_dir());
        Ok((entry.file_name().into(), is_folder))
    });
    entries.collect::<io::Result<Vec<_>>>().map_err(ReadErrorKind::from)
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}
