//! The files that a build may read.

use crate::engine::file_cache::FileCache;
use crate::engine::tree::TreeLimits;
use crate::error::ReadError;
#[cfg(doc)]
use crate::error::ReadErrorKind;
use crate::resolved_path::absolute;
use crate::trigger::Trigger;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Paths below a folder, each with the bytes of its file.
type Found = Vec<(PathBuf, Arc<[u8]>)>;

/// The files that a build may read. The files that it reads are watched.
///
/// Everything that one build reads was on the disk at one moment, complete. A path that is read for the first time is not
/// watched before that. If something changed until it is watched, the result is dropped and the build runs again.
pub struct Files<'a> {
    cache: &'a mut FileCache,
    trigger: Trigger,
}

impl<'a> Files<'a> {
    pub(crate) fn new(cache: &'a mut FileCache, trigger: Trigger) -> Self {
        Self { cache, trigger }
    }

    /// The bytes of the regular file at `path`, at most `limit`. Symlinks are followed.
    pub fn read(&mut self, path: impl AsRef<Path>, limit: u64) -> Result<Arc<[u8]>, ReadError> {
        let path = path.as_ref();
        self.cache.file(&absolute(path), limit).map_err(|kind| ReadError::new(path, kind))
    }

    /// Every file below the folder `dir` whose path relative to it `keep` wants, with its bytes, sorted by that path.
    ///
    /// Names that begin with a dot are skipped, folders and all. Symlinks to files and folders are followed, also out of `dir`, but
    /// not in circles. So a user who may write in `dir` decides which files of the system are read, if `keep` wants
    /// their names. At most 20,000 files and folders are walked through, wanted or not. A tree of more, such as one with a symlink to
    /// `/`, is [an error](ReadErrorKind::TooManyEntries) that names the symlink.
    /// `keep` must always give the same answer for the same path: it is also asked which changes matter.
    pub fn tree(
        &mut self,
        dir: impl AsRef<Path>,
        limits: TreeLimits,
        keep: impl Fn(&Path) -> bool + Send + 'static,
    ) -> Result<Found, ReadError> {
        let dir = dir.as_ref();
        let root = absolute(dir);
        let listing = self.cache.tree(&root, limits, Box::new(keep));
        let names = listing.map_err(|(below, kind)| ReadError::new(&beneath(dir, &below), kind))?;
        let mut found = Vec::with_capacity(names.len());
        let mut failed = None;
        for below in names {
            // All of them are read, also after an error, so that all of them are watched.
            match self.cache.file(&root.join(&below), limits.file_bytes) {
                Ok(bytes) => found.push((below, bytes)),
                Err(kind) if failed.is_none() => failed = Some(ReadError::new(&dir.join(below), kind)),
                Err(_) => {}
            }
        }
        failed.map_or(Ok(found), Err)
    }

    /// The trigger of this build.
    pub fn trigger(&self) -> Trigger {
        self.trigger
    }
}

/// For tests and fuzzing: runs `build` on the files as they are now. Nothing is watched.
#[doc(hidden)]
pub fn once<R>(trigger: Trigger, build: impl FnOnce(&mut Files<'_>) -> R) -> R {
    let mut cache = FileCache::default();
    cache.begin();
    build(&mut Files::new(&mut cache, trigger))
}

fn beneath(dir: &Path, below: &Path) -> PathBuf {
    if below.as_os_str().is_empty() { dir.to_owned() } else { dir.join(below) }
}
