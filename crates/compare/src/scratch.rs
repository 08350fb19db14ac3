//! Where everything temporary is: in one folder, or linked from there, so that one hand can remove it all.

use std::{fs, io, os::unix::fs::symlink, path::Path};

use tempfile::{Builder, TempDir, env::temp_dir};

/// The folder. It is removed when this is dropped, with what is linked from it.
pub(crate) struct Scratch(TempDir);

/// What is in memory, where that can be had.
const MEMORY: &str = "memory";

impl Scratch {
    pub(crate) fn make() -> io::Result<Scratch> {
        let scratch = Scratch(Builder::new().prefix("compare-").tempdir()?);
        let link = scratch.path().join(MEMORY);
        match Builder::new().prefix("compare-").tempdir_in("/dev/shm") {
            Ok(memory) => {
                symlink(memory.path(), link)?;
                // The link is what removes it.
                let _ = memory.keep();
            }
            Err(_) => fs::create_dir(link)?,
        }
        Ok(scratch)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for entry in fs::read_dir(self.path()).into_iter().flatten().flatten() {
            if let Ok(elsewhere) = fs::read_link(entry.path()) {
                let _ = fs::remove_dir_all(elsewhere);
            }
        }
    }
}

/// From now on every temporary folder of this process is in `scratch`.
pub(crate) fn work_in(scratch: &Path) -> io::Result<()> {
    // A server knows its folder by its true path.
    conformance::folders_in(&scratch.join(MEMORY).canonicalize()?);
    tempfile::env::override_temp_dir(scratch)
        .map_err(|taken| io::Error::other(format!("`{}` is the folder already", taken.display())))
}

/// A folder that has to be in `parent`.
pub(crate) fn folder_in(parent: &Path, prefix: &str) -> io::Result<TempDir> {
    let folder = Builder::new().prefix(prefix).tempdir_in(parent.canonicalize()?)?;
    if let Some(name) = folder.path().file_name() {
        symlink(folder.path(), temp_dir().join(name))?;
    }
    Ok(folder)
}
