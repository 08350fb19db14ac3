//! One folder that a build reads, with everything below it, as far as it is known.

use crate::dir_filter::is_hidden;
use crate::engine::walk::{Folder, Walk};
use crate::error::ReadErrorKind;
use crate::resolved_path::ResolvedPath;
use std::fs;
use std::mem;
use std::path::{Path, PathBuf};

pub(crate) type Keep = Box<dyn Fn(&Path) -> bool + Send>;

/// The files that a build was given, by their paths below the folder; or what could not be read.
pub(crate) type Listing = Result<Vec<PathBuf>, (PathBuf, ReadErrorKind)>;

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
        if !self.walk.is_outdated() {
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
