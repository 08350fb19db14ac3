//! All temporary files of a program in one folder, so that another process can remove them at once.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use tempfile::{Builder, TempDir, env::temp_dir};

/// The link in the folder that leads to files in memory.
const MEMORY: &str = "memory";

/// A temporary folder, with a link to another one in memory. When this is dropped, both are removed, and every folder that
/// [`folder_in`] has made.
#[derive(Debug)]
pub struct TempFolders(TempDir);

impl TempFolders {
    /// Makes the folders; their names begin with `prefix`.
    pub fn new(prefix: &str) -> io::Result<TempFolders> {
        let folders = TempFolders(Builder::new().prefix(prefix).tempdir()?);
        let link = folders.path().join(MEMORY);
        match Builder::new().prefix(prefix).tempdir_in("/dev/shm") {
            Ok(memory) => {
                symlink(memory.path(), link)?;
                // `drop` removes it through the link.
                let _ = memory.keep();
            }
            Err(_) => fs::create_dir(link)?,
        }
        Ok(folders)
    }

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for TempFolders {
    fn drop(&mut self) {
        for entry in fs::read_dir(self.path()).into_iter().flatten().flatten() {
            if let Ok(linked) = fs::read_link(entry.path()) {
                let _ = fs::remove_dir_all(linked);
            }
        }
    }
}

/// Puts every later temporary folder of this process into the [`TempFolders`] at `folder`. Returns the folder in memory.
pub fn use_temp_folders(folder: &Path) -> io::Result<PathBuf> {
    tempfile::env::override_temp_dir(folder).map_err(|taken| {
        io::Error::other(format!("the temporary folder is `{}` already", taken.display()))
    })?;
    // A server knows its working directory by the path without links.
    folder.join(MEMORY).canonicalize()
}

/// Makes a folder in `parent`, with a link in the temporary folder, so that it is removed with that.
pub fn folder_in(parent: &Path, prefix: &str) -> io::Result<TempDir> {
    let folder = Builder::new().prefix(prefix).tempdir_in(parent.canonicalize()?)?;
    if let Some(name) = folder.path().file_name() {
        symlink(folder.path(), temp_dir().join(name))?;
    }
    Ok(folder)
}
