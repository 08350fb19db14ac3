//! One folder that a build reads, with everything below it, as far as it is known.

use crate::error::ReadErrorKind;
use crate::fingerprint::Id;
use crate::reading::{self, Stat};
use crate::resolved_path::ResolvedPath;
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

/// Upper bounds on what a build reads of a folder. More is an error, and nothing of it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TreeLimits {
    /// The most files.
    pub files: usize,
    /// The most bytes of one file.
    pub file_bytes: u64,
    /// The most bytes of all files together.
    pub total_bytes: u64,
}

pub(crate) struct WatchedTree {
    root: PathBuf,
    limits: TreeLimits,
    keep: Keep,
    walk: Walk,
    /// The files that the last build was given.
    given: Option<Listing>,
    pub(crate) used: u64,
}

/// Everything visible below a folder.
#[derive(Debug, PartialEq, Eq)]
struct Walk {
    /// The ways to the folder itself and to every folder that a symlink leads to.
    ways: Vec<ResolvedPath>,
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
    stat: Stat,
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
        Self { walk: Walk::through(&root), root, limits, keep, given: None, used: 0 }
    }

    pub(crate) fn set_keep(&mut self, keep: Keep) {
        self.keep = keep;
    }

    /// The wanted files. Records that the build of this number was given them.
    pub(crate) fn give(&mut self, build: u64) -> Listing {
        self.used = build;
        let listing = self.listing();
        self.given = Some(listing.clone());
        listing
    }

    /// True if the wanted files are not those that the last build was given.
    pub(crate) fn differs(&self) -> bool {
        self.given.as_ref() != Some(&self.listing())
    }

    pub(crate) fn ways(&self) -> &[ResolvedPath] {
        &self.walk.ways
    }

    pub(crate) fn folders(&self) -> &[Folder] {
        &self.walk.folders
    }

    /// Lists everything again. True if other folders must be watched now.
    pub(crate) fn walk(&mut self) -> bool {
        let before = mem::replace(&mut self.walk, Walk::through(&self.root));
        let ids = |walk: &Walk| -> Vec<_> {
            walk.folders.iter().map(|folder| (folder.path.clone(), folder.id)).collect()
        };
        before.ways != self.walk.ways || ids(&before) != ids(&self.walk)
    }

    /// The paths of the wanted files.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        self.listing().unwrap_or_default().iter().map(|below| self.root.join(below)).collect()
    }

    /// True if a file or folder that matters came or went.
    pub(crate) fn looks_different(&mut self) -> bool {
        let same = |folder: &Folder| reading::stat(&folder.path) == folder.stat;
        if self.walk.is_complete_or_too_large() && self.walk.folders.iter().all(same) {
            return false;
        }
        let before = self.listing();
        self.walk() || self.listing() != before
    }

    /// True if an event at `path`, which is without symlinks, may matter.
    pub(crate) fn concerns(&self, path: &Path) -> bool {
        let components = || self.walk.ways.iter().flat_map(|way| &way.components);
        if components().any(|component| component.path == path)
            || self.walk.folders.iter().any(|folder| folder.path == path)
        {
            return true;
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return false };
        if is_hidden(name) {
            return false;
        }
        let mut here = self.walk.folders.iter().filter(|folder| folder.path == parent);
        here.any(|folder| (self.keep)(&folder.below.join(name)) || path.is_dir())
    }

    fn listing(&self) -> Listing {
        if let Some(error) = &self.walk.error {
            return Err(error.clone());
        }
        let TreeLimits { files, total_bytes, .. } = self.limits;
        let wanted: Vec<PathBuf> = self.walk.names.iter().filter(|name| (self.keep)(name)).cloned().collect();
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

impl Walk {
    /// Walks through everything below the root, folders near the root first, so that the walk finds the
    /// symlink that leads to a large tree before it has walked through that tree.
    fn through(root: &Path) -> Self {
        let mut walk = Self { ways: Vec::new(), folders: Vec::new(), names: Vec::new(), error: None };
        let mut left = MOST_ENTRIES;
        let mut visits = VecDeque::from([Visit { below: PathBuf::new(), through: Vec::new(), link: None }]);
        while let Some(visit) = visits.pop_front() {
            walk.enter(root, visit, &mut visits, &mut left);
        }
        walk.names.sort();
        walk
    }

    /// Lists a folder below the root, unless it is one of the folders that it was reached through.
    fn enter(&mut self, root: &Path, visit: Visit, visits: &mut VecDeque<Visit>, left: &mut usize) {
        let Visit { below, mut through, link } = visit;
        let path = root.join(&below);
        let way = ResolvedPath::new(&path);
        let end = way.end.clone();
        let is_way = below.as_os_str().is_empty() || way.last().is_some_and(|last| last.path != path);
        if is_way {
            self.ways.push(way);
        }
        let Some((path, id)) = end else {
            let kind = reading::stat(&path).err().unwrap_or(ReadErrorKind::Missing);
            return self.fail(below, kind);
        };
        if through.contains(&id) {
            return;
        }
        let stat = reading::stat(&path);
        let entries = match list(&path, *left) {
            Ok(Some(entries)) => entries,
            Ok(None) => {
                visits.clear();
                return self.overflow(link.unwrap_or_default());
            }
            Err(kind) => return self.fail(below, kind),
        };
        *left -= entries.len();
        self.folders.push(Folder { path, id, below: below.clone(), stat, linked: link.is_some() });
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

    /// True if another walk finds something else only if one of the folders looks different.
    fn is_complete_or_too_large(&self) -> bool {
        self.error.as_ref().is_none_or(|(_, kind)| matches!(kind, ReadErrorKind::TooManyEntries { .. }))
    }

    /// A folder below the root that is gone now makes an event. The root itself must be there.
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
