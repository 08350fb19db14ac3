//! A folder that belongs to one hotrun.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Marks a folder that hotrun made. Its lock is held as long as that hotrun lives.
const LOCK: &str = ".hotrun-lock";

/// A folder that no other process uses. Dropping it deletes it.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder `path`, or `path-2`, `path-3`, … if that is another hotrun's or was there before. What a hotrun that
    /// was killed left behind is taken over and emptied.
    pub(super) fn claim(path: &Path) -> io::Result<Self> {
        let numbered = (2_u32..).map(|number| {
            let mut name = path.as_os_str().to_owned();
            name.push(format!("-{number}"));
            PathBuf::from(name)
        });
        for path in std::iter::once(path.to_owned()).chain(numbered) {
            if let Some(lock) = lock(&path)? {
                let folder = Self { path, _lock: lock };
                folder.empty()?;
                return Ok(folder);
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Deletes the copies, which lie in folders with the number of their version.
    fn empty(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)?.flatten() {
            let is_version = entry.file_name().to_str().is_some_and(|name| name.parse::<u32>().is_ok());
            if is_version && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = self.empty();
        let _ = fs::remove_file(self.path.join(LOCK));
        let _ = fs::remove_dir(&self.path);
    }
}

/// The lock of a folder that hotrun made now or earlier; `None` if the folder is somebody else's or in use.
fn lock(folder: &Path) -> io::Result<Option<File>> {
    let file = folder.join(LOCK);
    let opened = match fs::create_dir(folder) {
        Ok(()) => File::create_new(&file)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let Ok(opened) = File::options().write(true).open(&file) else { return Ok(None) };
            opened
        }
        Err(error) => return Err(error),
    };
    match opened.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // Its owner may have deleted it since it was opened.
    let is_there = fs::metadata(&file)
        .is_ok_and(|found| Some(found.ino()) == opened.metadata().ok().map(|own| own.ino()));
    Ok(is_there.then_some(opened))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Folder, LOCK};

    #[test]
    fn a_folder_belongs_to_one_and_leaves_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("kept");
        let first = Folder::claim(&path).unwrap();
        let second = Folder::claim(&path).unwrap();
        assert_eq!(first.path(), path);
        assert_eq!(second.path(), parent.path().join("kept-2"));
        drop(first);
        assert!(!path.exists());
        assert_eq!(Folder::claim(&path).unwrap().path(), path);
    }

    #[test]
    fn what_is_somebody_elses_is_neither_used_nor_deleted() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("kept");
        fs::create_dir_all(path.join("1")).unwrap();
        fs::write(path.join("1/letter.txt"), "foreign").unwrap();
        let folder = Folder::claim(&path).unwrap();
        assert_eq!(folder.path(), parent.path().join("kept-2"));
        fs::write(folder.path().join("letter.txt"), "foreign").unwrap();
        drop(folder);
        assert!(path.join("1/letter.txt").exists() && parent.path().join("kept-2/letter.txt").exists());
    }

    #[test]
    fn what_a_killed_hotrun_left_behind_is_taken_over() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("kept");
        fs::create_dir_all(path.join("7")).unwrap();
        fs::write(path.join("7/program"), "").unwrap();
        fs::write(path.join(LOCK), "").unwrap();
        let folder = Folder::claim(&path).unwrap();
        assert_eq!(folder.path(), path);
        assert!(!path.join("7").exists());
    }
}
