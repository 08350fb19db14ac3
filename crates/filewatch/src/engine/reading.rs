//! Looks at a file, and reads it.

use crate::error::ReadErrorKind;
use crate::fingerprint::Fingerprint;
use crate::switches::{Step, Switches};
use rustix::fs::OFlags;
use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// The bytes of a file, or why there are none.
pub(crate) type Content = Result<Arc<[u8]>, ReadErrorKind>;

/// A file's fingerprint, or why there is none.
pub(crate) type Stat = Result<Fingerprint, ReadErrorKind>;

/// The outcome of reading a file.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) content: Content,
    pub(crate) stat: Stat,
    /// The file may change once more without looking different.
    pub(crate) racy: bool,
}

/// Bytes, and the fingerprint that the file had meanwhile.
type Stable = (Arc<[u8]>, Fingerprint);

/// Looks at `path` without opening it.
pub(crate) fn stat(path: &Path) -> Stat {
    fs::metadata(path).map(|found| Fingerprint::of(&found)).map_err(ReadErrorKind::from)
}

/// Looks at the file at `path` by opening it. That makes a network file system ask its server.
pub(crate) fn stat_opened(path: &Path) -> Stat {
    let found = fs::metadata(path)?;
    let opened = if found.is_file() { open(path).ok() } else { None };
    Ok(Fingerprint::of(&opened.map_or(Ok(found), |file| file.metadata())?))
}

/// Reads the regular file at `path`, at most `limit` bytes. `None` if it changed meanwhile.
pub(crate) fn read(path: &Path, limit: u64, switches: &Switches) -> Option<Reading> {
    let begun = SystemTime::now();
    // Looks before it opens: opening a FIFO would wake its writer.
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) => {
            let kind = ReadErrorKind::from(error);
            return Some(Reading { content: Err(kind.clone()), stat: Err(kind), racy: false });
        }
    };
    let (content, fingerprint) = match read_regular(path, &found, limit, switches) {
        Ok(stable) => stable.map(|(bytes, fingerprint)| (Ok(bytes), fingerprint))?,
        Err(kind) => (Err(kind), Fingerprint::of(&found)),
    };
    Some(Reading { content, racy: fingerprint.is_racy(begun), stat: Ok(fingerprint) })
}

/// The name of what is no regular file.
pub(crate) fn name_of(kind: FileType) -> &'static str {
    if kind.is_dir() {
        return "a directory";
    }
    if kind.is_file() {
        return "a regular file";
    }
    if kind.is_fifo() {
        return "a FIFO";
    }
    if kind.is_socket() {
        return "a socket";
    }
    if kind.is_char_device() || kind.is_block_device() {
        return "a device";
    }
    "something else"
}

/// `None` if the file changed while it was read.
fn read_regular(
    path: &Path,
    found: &Metadata,
    limit: u64,
    switches: &Switches,
) -> Result<Option<Stable>, ReadErrorKind> {
    check(found, limit)?;
    let mut file = open(path)?;
    let before = file.metadata()?;
    check(&before, limit)?;
    let mut bytes = Vec::with_capacity(usize::try_from(before.len()).unwrap_or(0));
    file.by_ref().take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    let two_looks = switches.takes(Step::TwoLooks);
    if two_looks && switches.takes(Step::Lock) {
        await_writers(&file);
    }
    let after = Fingerprint::of(&file.metadata()?);
    let length = bytes.len() as u64;
    // A pseudo file has the size 0, and bytes.
    if two_looks && (after != Fingerprint::of(&before) || (after.size != length && after.size != 0)) {
        return Ok(None);
    }
    if length > limit {
        return Err(ReadErrorKind::TooLarge { limit });
    }
    Ok(Some((Arc::from(bytes), after)))
}

/// Waits until no writer is inside a system call on the file. Bytes can be read before the event of their writing is queued. A
/// writer holds the inode's lock, and a seek for data waits for that lock.
#[cfg(target_os = "linux")]
fn await_writers(file: &File) {
    // The result does not matter.
    let _ = rustix::fs::seek(file, rustix::fs::SeekFrom::Data(0));
}

#[cfg(not(target_os = "linux"))]
fn await_writers(_: &File) {}

fn check(found: &Metadata, limit: u64) -> Result<(), ReadErrorKind> {
    if !found.is_file() {
        return Err(ReadErrorKind::NotAFile(name_of(found.file_type())));
    }
    if found.len() > limit {
        return Err(ReadErrorKind::TooLarge { limit });
    }
    Ok(())
}

/// Does not wait for a writer, in case a FIFO has taken the file's place since it was looked at.
fn open(path: &Path) -> std::io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}
