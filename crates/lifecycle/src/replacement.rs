//! The program at this process's path, compared with the one that runs.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::binary::signature_of;
use crate::inherited::executable;

/// Bytes of a signature that are compared. One of minisign has some 300.
const SIGNATURE: u64 = 64 * 1024;

/// `fcntl`'s command for the signal that a broken lease causes, which `libc` does not name.
const F_SETSIG: libc::c_int = 10;

/// The program at this process's path: see [`replacement`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// The program that runs, or no file.
    None,
    /// A file that a process has open for writing.
    Unfinished,
    /// Another program.
    Finished(Fingerprint),
}

/// The content of a program and of the signature beside it. Equal for equal content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    program: [u8; 32],
    signature: Option<Vec<u8>>,
}

/// Compares the program at this process's path with the one that runs. It reads whole programs, so it blocks.
///
/// A file that a process has open for writing is unfinished. The kernel does not tell where it has no leases, as on NFS, or
/// where another user owns the file. There every file counts as finished.
pub fn replacement() -> io::Result<Replacement> {
    static RUNNING: OnceLock<[u8; 32]> = OnceLock::new();
    let running = File::open("/proc/self/exe")?;
    compare(executable()?, &running, || {
        if let Some(known) = RUNNING.get() {
            return Ok(*known);
        }
        let program = digest(&running)?;
        Ok(*RUNNING.get_or_init(|| program))
    })
}

/// The files whose change may be a replacement: the program's path, and that of its signature.
pub fn replaced_by() -> io::Result<[PathBuf; 2]> {
    let path = executable()?;
    Ok([path.to_owned(), signature_of(path)])
}

fn compare(
    path: &Path,
    running: &File,
    running_digest: impl FnOnce() -> io::Result<[u8; 32]>,
) -> io::Result<Replacement> {
    let Some((file, metadata)) = opened(path)? else { return Ok(Replacement::None) };
    let runs = running.metadata()?;
    if (metadata.dev(), metadata.ino()) == (runs.dev(), runs.ino()) {
        return Ok(Replacement::None);
    }
    if is_being_written(&file) {
        return Ok(Replacement::Unfinished);
    }
    let program = digest(&file)?;
    let is_the_running_one = metadata.len() == runs.len() && running_digest()? == program;
    // A writer may have come while the file was read.
    let now = file.metadata()?;
    if is_being_written(&file) || (now.len(), now.modified()?) != (metadata.len(), metadata.modified()?) {
        return Ok(Replacement::Unfinished);
    }
    if is_the_running_one {
        return Ok(Replacement::None);
    }
    let mut signature = Vec::new();
    let signature = match opened(&signature_of(path))? {
        Some((file, _)) => file.take(SIGNATURE).read_to_end(&mut signature).map(|_| Some(signature))?,
        None => None,
    };
    Ok(Replacement::Finished(Fingerprint { program, signature }))
}

/// The regular file at `path`. A pipe is not opened for reading, since that may wait for ever.
fn opened(path: &Path) -> io::Result<Option<(File, Metadata)>> {
    match OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path) {
        Ok(file) => {
            let metadata = file.metadata()?;
            Ok(metadata.is_file().then_some((file, metadata)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn digest(mut file: &File) -> io::Result<[u8; 32]> {
    let (mut digest, mut buffer) = (Sha256::new(), vec![0; 64 * 1024]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(digest.finalize().into()),
            count => digest.update(&buffer[..count]),
        }
    }
}

/// True if a process has the file open for writing. The kernel grants a read lease only on a file that nobody has open so.
#[allow(unsafe_code, reason = "rustix has no leases")]
fn is_being_written(file: &File) -> bool {
    let descriptor = file.as_raw_fd();
    // SAFETY: The descriptor is open, and these commands take a number.
    unsafe {
        // A process that opens the file for writing breaks the lease. The default signal for that, `SIGIO`, would end this
        // process; `SIGURG` is ignored.
        if libc::fcntl(descriptor, F_SETSIG, libc::SIGURG) != 0 {
            return false;
        }
        if libc::fcntl(descriptor, libc::F_SETLEASE, libc::F_RDLCK) != 0 {
            return io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock;
        }
        libc::fcntl(descriptor, libc::F_SETLEASE, libc::F_UNLCK);
    }
    false
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, OpenOptions};
    use std::io::Write;
    use std::path::Path;

    use super::{Replacement, compare, digest};

    fn found(path: &Path, running: &Path) -> Replacement {
        let running = File::open(running).unwrap();
        compare(path, &running, || digest(&running)).unwrap()
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
    fn a_file_whose_writer_comes_while_it_is_read_is_unfinished() {
        let folder = tempfile::tempdir().unwrap();
        let (path, running) = (folder.path().join("program"), folder.path().join("running"));
        fs::write(&running, "first").unwrap();
        fs::write(&path, "other").unwrap();
        let file = File::open(&running).unwrap();
        let mut writer = None;
        let found = compare(&path, &file, || {
            writer = Some(File::create(&path)?);
            digest(&file)
        });
        assert_eq!(found.unwrap(), Replacement::Unfinished, "it is there");
        drop(writer);
        fs::write(&path, "other").unwrap();
        let found = compare(&path, &file, || {
            fs::write(&path, "longer")?;
            digest(&file)
        });
        assert_eq!(found.unwrap(), Replacement::Unfinished, "it is gone again");
    }

    #[test]
    fn a_file_that_is_open_for_writing_is_unfinished() {
        let folder = tempfile::tempdir().unwrap();
        let (path, running) = (folder.path().join("program"), folder.path().join("running"));
        fs::write(&running, "first").unwrap();
        let mut writer = File::create(&path).unwrap();
        writer.write_all(b"half").unwrap();
        assert_eq!(found(&path, &running), Replacement::Unfinished);
        let second = OpenOptions::new().append(true).open(&path).unwrap();
        drop(writer);
        assert_eq!(found(&path, &running), Replacement::Unfinished, "another writer");
        drop(second);
        assert!(matches!(found(&path, &running), Replacement::Finished(_)));
    }
}
