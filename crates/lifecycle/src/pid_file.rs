//! The file that says which process serves.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;

/// A file with the id of this process, written whole or not at all.
///
/// Dropping it removes the file, unless a successor has written its own id there.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
}

impl PidFile {
    /// Writes the id of this process, over whatever was there: beside the file first, then renamed over it.
    pub fn write(path: impl Into<PathBuf>) -> io::Result<PidFile> {
        let file = PidFile { path: path.into() };
        file.reclaim()?;
        Ok(file)
    }

    /// Writes the id of this process again, over that of a successor that is gone.
    pub fn reclaim(&self) -> io::Result<()> {
        let draft = draft(&self.path)?;
        let written =
            fs::write(&draft, format!("{}\n", process::id())).and_then(|()| fs::rename(&draft, &self.path));
        written.inspect_err(|_| {
            let _ = fs::remove_file(&draft);
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The id that the file at `path` holds.
    pub fn read(path: impl AsRef<Path>) -> io::Result<u32> {
        let text = fs::read_to_string(path)?;
        text.trim().parse().map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidData, format!("`{}` is no process id", text.trim()))
        })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if PidFile::read(&self.path).is_ok_and(|pid| pid == process::id()) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn draft(path: &Path) -> io::Result<PathBuf> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("`{}` is no name for a file", path.display()),
        ));
    };
    let mut draft = name.to_os_string();
    draft.push(format!(".{}", process::id()));
    Ok(path.with_file_name(draft))
}
