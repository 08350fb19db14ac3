//! Temporary folders for servers.

use std::{
    io,
    path::{Path, PathBuf},
    sync::OnceLock,
};
use tempfile::TempDir;

static PARENT: OnceLock<PathBuf> = OnceLock::new();

/// Makes a temporary folder, which is removed when the value is dropped. It is in memory where possible, so that a slow disk
/// does not disturb the claims.
pub fn folder() -> io::Result<TempDir> {
    match PARENT.get() {
        Some(parent) => TempDir::new_in(parent),
        None => TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()),
    }
}

/// Puts every later [`folder`] of this process into `parent`. Only the first call counts.
pub fn folders_in(parent: &Path) {
    let _ = PARENT.set(parent.to_owned());
}
