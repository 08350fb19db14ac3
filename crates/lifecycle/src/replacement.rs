//! The program at this process's path, compared with the one that runs.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::binary::signature_of;
use crate::inherited::executable;
use crate::program_file::{read_whole, sha256};

/// Bytes of a signature that are compared. One of minisign has some 300.
const SIGNATURE: u64 = 64 * 1024;

/// The program at this process's path: see [`replacement`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Replacement {
    /// The program that runs, or no file.
    None,
    /// A file that a process is writing.
    Unfinished,
    /// Another program.
    Finished(Fingerprint),
}

/// The content of a program and of the signature beside it. Equal for equal content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    program: [u8; 32],
    signature: Option<Vec<u8>>,
}

/// Compares the program at this process's path with the one that runs. It reads whole programs, so it blocks.
///
/// A file that is being written for a second is unfinished. So it may block for that second, too.
pub(crate) fn replacement() -> io::Result<Replacement> {
    static RUNNING: OnceLock<[u8; 32]> = OnceLock::new();
    let running = File::open("/proc/self/exe")?;
    compare(executable()?, &running, || {
        if let Some(known) = RUNNING.get() {
            return Ok(*known);
        }
        let program = sha256(&running)?;
        Ok(*RUNNING.get_or_init(|| program))
    })
}

/// The files whose change may be a replacement: the program's path, and that of its signature.
pub(crate) fn replaced_by() -> io::Result<[PathBuf; 2]> {
    let path = executable()?;
    Ok([path.to_owned(), signature_of(path)])
}

fn compare(
    path: &Path,
    running: &File,
    running_digest: impl Fn() -> io::Result<[u8; 32]>,
) -> io::Result<Replacement> {
    if !is_file(path)? {
        return Ok(Replacement::None);
    }
    let found = read_whole(path, |file| {
        let (found, runs) = (file.metadata()?, running.metadata()?);
        if (found.dev(), found.ino()) == (runs.dev(), runs.ino()) {
            return Ok(None);
        }
        let program = sha256(file)?;
        let is_the_running_one = found.len() == runs.len() && running_digest()? == program;
        Ok((!is_the_running_one).then_some(program))
    });
    let program = match found {
        Ok(Some(Ok(Some(program)))) => program,
        Ok(Some(Ok(None))) => return Ok(Replacement::None),
        Ok(None) => return Ok(Replacement::Unfinished),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Replacement::None),
        Ok(Some(Err(error))) | Err(error) => return Err(error),
    };
    let beside = signature_of(path);
    let mut signature = Vec::new();
    let signature = if is_file(&beside)? {
        File::open(beside)?.take(SIGNATURE).read_to_end(&mut signature).map(|_| Some(signature))?
    } else {
        None
    };
    Ok(Replacement::Finished(Fingerprint { program, signature }))
}

/// False if nothing is there, too. A pipe must not be opened for reading, since that may wait for ever.
fn is_file(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.is_file()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::path::Path;

    use super::{Replacement, compare, sha256};

    fn found(path: &Path, running: &Path) -> Replacement {
        let running = File::open(running).unwrap();
        compare(path, &running, || sha256(&running)).unwrap()
    }

    #[test]
    fn other_content_is_a_replacement_and_equal_content_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (path, running) = (folder.path().join("program"), folder.path().join("running"));
        fs::write(&running, "first").unwrap();
        assert_eq!(found(&path, &running), Replacement::None, "no file");
        assert_eq!(found(folder.path(), &running), Replacement::None, "a folder");
        fs::hard_link(&running, &path).unwrap();
        assert_eq!(found(&path, &running), Replacement::None, "the same file");
        fs::remove_file(&path).unwrap();
        fs::write(&path, "first").unwrap();
        assert_eq!(found(&path, &running), Replacement::None, "equal content");
        fs::write(&path, "other").unwrap();
        let second = found(&path, &running);
        assert!(matches!(second, Replacement::Finished(_)), "as long, {second:?}");
        fs::write(&path, "longer").unwrap();
        assert_ne!(found(&path, &running), second);
        fs::write(&path, "other").unwrap();
        assert_eq!(found(&path, &running), second, "the content counts, not the file");
        fs::write(folder.path().join("program.minisig"), "good").unwrap();
        assert_ne!(found(&path, &running), second, "its signature counts too");
    }

    #[test]
    fn a_file_that_is_open_for_writing_is_unfinished() {
        let folder = tempfile::tempdir().unwrap();
        let (path, running) = (folder.path().join("program"), folder.path().join("running"));
        fs::write(&running, "first").unwrap();
        let writer = File::create(&path).unwrap();
        assert_eq!(found(&path, &running), Replacement::Unfinished);
        drop(writer);
        assert!(matches!(found(&path, &running), Replacement::Finished(_)));
    }
}
