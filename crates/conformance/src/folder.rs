//! Where a server's files are.

use std::{
    io,
    path::{Path, PathBuf},
    sync::OnceLock,
};
use tempfile::TempDir;

static PARENT: OnceLock<PathBuf> = OnceLock::new();

/// A folder for a server, removed when this is dropped: in memory where that can be had, since what a disk does between
/// two writes is nothing that the claims are about.
pub fn folder() -> io::Result<TempDir> {
    match PARENT.get() {
        Some(parent) => TempDir::new_in(parent),
        None => TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()),
    }
}

/// From now on every [`folder`] of this process is in `parent`, which whoever says so can remove as a whole. Said once; what is
/// said later changes nothing.
pub fn folders_in(parent: &Path) {
    let _ = PARENT.set(parent.to_owned());
}
