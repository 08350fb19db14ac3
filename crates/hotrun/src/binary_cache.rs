//! Copies of the programs that may have to be started again.

mod folder;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use crate::binary_cache::folder::Folder;

/// Bytes that are compared at a time.
const PIECE: usize = 256 * 1024;

/// The copies, by version. Threads make them. A build would overwrite the originals, so [`settle`](BinaryCache::settle) is called
/// before each one.
#[derive(Debug)]
pub(crate) struct BinaryCache {
    path: PathBuf,
    folder: Option<Folder>,
    copies: BTreeMap<u32, Kept>,
    errors: Vec<io::Error>,
}

#[derive(Debug)]
struct Kept {
    original: PathBuf,
    copy: PathBuf,
    making: Option<JoinHandle<io::Result<()>>>,
    made: bool,
}

impl BinaryCache {
    /// Keeps the copies below this folder, which is made when the first copy is.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, folder: None, copies: BTreeMap::new(), errors: Vec::new() }
    }

    /// Begins to copy the program of a version. `made` is called on another thread when the copy is complete.
    pub(crate) fn keep(&mut self, version: u32, original: &Path, made: impl FnOnce() + Send + 'static) {
        if let Err(error) = self.begin(version, original, made) {
            self.errors.push(error);
        }
    }

    fn begin(
        &mut self,
        version: u32,
        original: &Path,
        made: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => Folder::claim(&self.path)?,
        };
        let folder = self.folder.insert(folder).path().join(version.to_string());
        let copy = folder.join(original.file_name().unwrap_or_default());
        let (from, to) = (original.to_owned(), copy.clone());
        let making = thread::Builder::new().name("copy".to_owned()).spawn(move || {
            fs::create_dir_all(folder)?;
            fs::copy(from, to)?;
            made();
            Ok(())
        })?;
        let kept = Kept { original: original.to_owned(), copy, making: Some(making), made: false };
        self.copies.insert(version, kept);
        Ok(())
    }

    /// Waits for all copies. Returns the errors of those that could not be made.
    pub(crate) fn settle(&mut self) -> Vec<io::Error> {
        let mut errors = std::mem::take(&mut self.errors);
        for copy in self.copies.values_mut() {
            match copy.making.take().map(JoinHandle::join) {
                Some(Ok(Ok(()))) => copy.made = true,
                Some(Ok(Err(error))) => errors.push(error),
                Some(Err(_)) | None => {}
            }
        }
        errors
    }

    /// The first of these versions whose program has the same bytes as the file.
    pub(crate) fn same(&mut self, file: &Path, versions: impl Iterator<Item = u32>) -> Option<u32> {
        self.settle();
        let is_same = |version: &u32| {
            let copy = self.copies.get(version).filter(|copy| copy.made);
            copy.is_some_and(|copy| have_same_bytes(&copy.copy, file).unwrap_or(false))
        };
        versions.collect::<Vec<_>>().into_iter().find(is_same)
    }

    /// The copy of the program of a version, and the path of its original.
    pub(crate) fn find(&mut self, version: u32) -> Option<(PathBuf, PathBuf)> {
        self.settle();
        let copy = self.copies.get(&version).filter(|copy| copy.made)?;
        Some((copy.copy.clone(), copy.original.clone()))
    }

    /// Removes the copies that are not needed.
    pub(crate) fn retain(&mut self, needed: impl Fn(u32) -> bool) {
        let gone: Vec<u32> = self.copies.keys().copied().filter(|&version| !needed(version)).collect();
        for version in gone {
            let Some(Kept { copy, making, .. }) = self.copies.remove(&version) else { continue };
            if let Some(making) = making {
                let _ = making.join();
            }
            let _ = fs::remove_file(&copy);
            if let Some(folder) = copy.parent() {
                let _ = fs::remove_dir(folder);
            }
        }
    }

    /// Removes everything.
    pub(crate) fn clear(&mut self) {
        self.retain(|_| false);
        self.folder = None;
    }
}

/// Compares in pieces, so that a difference at the beginning, where linkers put an id, is found at once.
fn have_same_bytes(one: &Path, other: &Path) -> io::Result<bool> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        let read = one.read(&mut left)?;
        if read == 0 {
            return Ok(true);
        }
        other.read_exact(&mut right[..read])?;
        if left[..read] != right[..read] {
            return Ok(false);
        }
    }
}

impl Drop for BinaryCache {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{PIECE, have_same_bytes};

    #[test]
    fn files_are_the_same_if_each_byte_is() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        let bytes = vec![7; PIECE + 5];
        let mut last = bytes.clone();
        *last.last_mut().unwrap() = 8;
        for (text, expected) in
            [(&bytes, true), (&last, false), (&vec![7; PIECE], false), (&Vec::new(), false)]
        {
            fs::write(&one, &bytes).unwrap();
            fs::write(&other, text).unwrap();
            assert_eq!(have_same_bytes(&one, &other).unwrap(), expected, "{}", text.len());
        }
        assert!(have_same_bytes(&one, &folder.path().join("missing")).is_err());
    }
}
