//! Copies of the programs that may be needed again.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

/// The copies, by version. They are made in the background; no build may start before they are [settled](Shelf::settle).
#[derive(Debug)]
pub(crate) struct Shelf {
    folder: PathBuf,
    copies: BTreeMap<u32, Kept>,
}

#[derive(Debug)]
struct Kept {
    original: PathBuf,
    copy: PathBuf,
    making: Option<JoinHandle<io::Result<()>>>,
    made: bool,
}

impl Shelf {
    /// Keeps copies below this folder, which is made when it is needed.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, copies: BTreeMap::new() }
    }

    /// Begins to copy a version's program.
    pub(crate) fn keep(&mut self, version: u32, original: &Path) {
        let folder = self.folder.join(version.to_string());
        let copy = folder.join(original.file_name().unwrap_or_default());
        let (from, to) = (original.to_owned(), copy.clone());
        let making = thread::spawn(move || {
            fs::create_dir_all(folder)?;
            fs::copy(from, to).map(drop)
        });
        let kept = Kept { original: original.to_owned(), copy, making: Some(making), made: false };
        self.copies.insert(version, kept);
    }

    /// Waits for the copies; the errors are of those that could not be made.
    pub(crate) fn settle(&mut self) -> Vec<io::Error> {
        let mut errors = Vec::new();
        for copy in self.copies.values_mut() {
            match copy.making.take().map(JoinHandle::join) {
                Some(Ok(Ok(()))) => copy.made = true,
                Some(Ok(Err(error))) => errors.push(error),
                Some(Err(_)) | None => {}
            }
        }
        errors
    }

    /// The copy of a version's program, and the path that it was copied from.
    pub(crate) fn find(&mut self, version: u32) -> Option<(PathBuf, PathBuf)> {
        self.settle();
        let copy = self.copies.get(&version).filter(|copy| copy.made)?;
        Some((copy.copy.clone(), copy.original.clone()))
    }

    /// Removes what is not needed.
    pub(crate) fn retain(&mut self, needed: impl Fn(u32) -> bool) {
        let gone: Vec<u32> = self.copies.keys().copied().filter(|&version| !needed(version)).collect();
        for version in gone {
            if let Some(making) = self.copies.remove(&version).and_then(|copy| copy.making) {
                let _ = making.join();
            }
            let _ = fs::remove_dir_all(self.folder.join(version.to_string()));
        }
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        self.retain(|_| false);
        let _ = fs::remove_dir(&self.folder);
    }
}
