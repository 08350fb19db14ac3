//! Digests of files.

use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

/// Time for reading the sources before the watch begins. A file that was not read by then counts as changed at its first save,
/// even with the same content.
const FIRST_READING: Duration = Duration::from_millis(150);

pub(super) type Content = [u8; 32];

/// Digests of the files, as far as the time suffices.
pub(super) fn contents(files: impl IntoIterator<Item = PathBuf>) -> HashMap<PathBuf, Option<Content>> {
    let end = Instant::now() + FIRST_READING;
    let read = |path: PathBuf| {
        let content = if Instant::now() < end { content(&path) } else { None };
        (path, content)
    };
    files.into_iter().map(read).collect()
}

/// Digest of the file's content; `None` if it cannot be read.
pub(super) fn content(file: &Path) -> Option<Content> {
    let mut file = File::open(file).ok()?;
    let mut digest = Sha256::new();
    let mut piece = [0; 16 * 1024];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Some(digest.finalize().into()),
            Ok(length) => digest.update(&piece[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}
