//! One folder that a build read, with all that is below it, as it is known at the moment.

use crate::chain::Chain;
use crate::error::ReadErrorKind;
use crate::files::TreeLimits;
use crate::fingerprint::Id;
use crate::reading::{self, Glimpse};
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::mem;
use std::path::{Path, PathBuf};

pub(crate) type Keep = Box<dyn Fn(&Path) -> bool + Send>;

/// The files that a build was given, by their paths below the folder; or what could not be read.
pub(crate) type Listing = Result<Vec<PathBuf>, (PathBuf, ReadErrorKind)>;

/// The most files and folders that are walked through. That took 60 ms (debug build, one core).
const MOST_ENTRIES: usize = 20_000;

pub(crate) struct WatchedTree {
    root: PathBuf,
    limits: TreeLimits,
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
    /// Reached through a symlink in the tree.
    linked: bool,
}

/// A folder that is still to be listed.
struct Visit {
    below: PathBuf,
    /// The folders on the way to it.
    through: Vec<Id>,
    /// The first symlink to a folder on the way to it, by its path below the root.
    link: Option<PathBuf>,
}

impl WatchedTree {
    pub(crate) fn open(root: PathBuf, limits: TreeLimits, keep: Keep) -> Self {
        Self { survey: Survey::of(&root), root, limits, keep, seen: None, used: 0 }
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
        if self.survey.is_complete_or_too_large() && self.survey.folders.iter().all(same) {
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
        if let Some(error) = &self.survey.error {
            return Err(error.clone());
        }
        let TreeLimits { files, total_bytes, .. } = self.limits;
        let wanted: Vec<PathBuf> =
            self.survey.names.iter().filter(|name| (self.keep)(name)).cloned().collect();
        let refused = |kind| Err((PathBuf::new(), kind));
        if wanted.len() > files {
            return refused(ReadErrorKind::TooManyFiles { found: wanted.len(), limit: files });
        }
        let size = |below: &PathBuf| fs::metadata(self.root.join(below)).map_or(0, |found| found.len());
        // A file that is too large by itself is reported by its own name.
        let sizes = wanted.iter().map(size).filter(|size| *size <= self.limits.file_bytes);
        if sizes.sum::<u64>() > total_bytes {
            return refused(ReadErrorKind::TooLargeTogether { limit: total_bytes });
        }
        Ok(wanted)
    }
}

impl Survey {
    /// Walks through everything below the root, folders near the root first, so that the walk finds the
    /// symlink that leads to a large tree before it has walked through that tree.
    fn of(root: &Path) -> Self {
        let mut survey = Self { chains: Vec::new(), folders: Vec::new(), names: Vec::new(), error: None };
        let mut left = MOST_ENTRIES;
        let mut visits = VecDeque::from([Visit { below: PathBuf::new(), through: Vec::new(), link: None }]);
        while let Some(visit) = visits.pop_front() {
            survey.enter(root, visit, &mut visits, &mut left);
        }
        survey.names.sort();
        survey
    }

    /// Lists a folder below the root, unless it is one of the folders that it was reached through.
    fn enter(&mut self, root: &Path, visit: Visit, visits: &mut VecDeque<Visit>, left: &mut usize) {
        let Visit { below, mut through, link } = visit;
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
        let entries = match list(&path, *left) {
            Ok(Some(entries)) => entries,
            Ok(None) => {
                visits.clear();
                return self.overflow(link.unwrap_or_default());
            }
            Err(kind) => return self.fail(below, kind),
        };
        *left -= entries.len();
        self.folders.push(Folder { path, id, below: below.clone(), glimpse, linked: link.is_some() });
        through.push(id);
        for Entry { name, is_folder, is_link } in entries {
            let below = below.join(name);
            if is_folder {
                let link = link.clone().or_else(|| is_link.then(|| below.clone()));
                visits.push_back(Visit { below, through: through.clone(), link });
            } else {
                self.names.push(below);
            }
        }
    }

    /// There is more than can be walked through, where `culprit` leads. What lies behind symlinks is not
    /// watched then: it may be the whole system.
    fn overflow(&mut self, culprit: PathBuf) {
        self.names.clear();
        self.folders.retain(|folder| !folder.linked);
        self.error = Some((culprit, ReadErrorKind::TooManyEntries { limit: MOST_ENTRIES }));
    }

    /// Whether another walk finds something else only if one of the folders looks different.
    fn is_complete_or_too_large(&self) -> bool {
        self.error.as_ref().is_none_or(|(_, kind)| matches!(kind, ReadErrorKind::TooManyEntries { .. }))
    }

    /// A folder below the root that is gone by now will be heard of; the root itself must be there.
    fn fail(&mut self, below: PathBuf, kind: ReadErrorKind) {
        let matters = below.as_os_str().is_empty() || kind != ReadErrorKind::Missing;
        if matters && self.error.is_none() {
            self.error = Some((below, kind));
        }
    }
}

struct Entry {
    name: OsString,
    /// It is a folder, or a symlink to one.
    is_folder: bool,
    is_link: bool,
}

/// The visible entries of a folder; `None` if there are more than `most`.
fn list(path: &Path, most: usize) -> Result<Option<Vec<Entry>>, ReadErrorKind> {
    let found = fs::metadata(path)?;
    if !found.is_dir() {
        return Err(ReadErrorKind::NotAFile(reading::name_of(found.file_type())));
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        if is_hidden(&name) {
            continue;
        }
        if entries.len() == most {
            return Ok(None);
        }
        let kind = entry.file_type()?;
        let is_folder = kind.is_dir() || (kind.is_symlink() && entry.path().is_dir());
        entries.push(Entry { name, is_folder, is_link: kind.is_symlink() });
    }
    Ok(Some(entries))
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}
