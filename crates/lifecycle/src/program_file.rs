//! The file of a program, which another process may be writing.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

/// Looks at a file that is being written, over a second in all. A process that another thread forks has this process's descriptors
/// until it calls `exec`, so one look is not enough. They are counted instead of the time: a copy may take long, and the process may be
/// suspended.
const LOOKS: u32 = 50;

/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// The longest step of a file's time stamps (`CONFIG_HZ=100`). A second change within one step leaves them as they are.
const STEP: Duration = Duration::from_millis(10);

/// `fcntl`'s command for the signal that a broken lease causes, which `libc` does not name.
const F_SETSIG: libc::c_int = 10;

/// Reads the regular file at `path` with `read` until no process wrote to it meanwhile. Returns `None` if one still does after
/// a second. It blocks.
///
/// The kernel tells whether a process has the file open for writing, but not on NFS, and not for the file of another user.
/// There only the time stamps show a writer.
pub(crate) fn read_whole<T>(path: &Path, mut read: impl FnMut(&File) -> T) -> io::Result<Option<T>> {
    for _ in 0..LOOKS {
        let file = File::open(path)?;
        let opened = file.metadata()?;
        if !opened.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        let is_whole =
            || !is_being_written(&file) && fs::metadata(path).is_ok_and(|now| state(&now) == state(&opened));
        if !is_recent(&opened) && is_whole() {
            let content = read(&file);
            if is_whole() {
                return Ok(Some(content));
            }
        }
        thread::sleep(PAUSE);
    }
    Ok(None)
}

/// The SHA-256 of the whole file.
pub(crate) fn sha256(file: &File) -> io::Result<[u8; 32]> {
    let mut digest = Sha256::new();
    read_all(file, |bytes| digest.update(bytes))?;
    Ok(digest.finalize().into())
}

/// Gives `take` the whole file from its beginning, in parts.
pub(crate) fn read_all(mut file: &File, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    file.rewind()?;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            count => take(&buffer[..count]),
        }
    }
}

/// Equal as long as it is the same unchanged file.
fn state(metadata: &Metadata) -> impl PartialEq + use<> {
    let modified = (metadata.mtime(), metadata.mtime_nsec());
    let changed = (metadata.ctime(), metadata.ctime_nsec());
    (metadata.dev(), metadata.ino(), metadata.len(), modified, changed)
}

/// True if the time stamps may not show a change that comes now.
fn is_recent(metadata: &Metadata) -> bool {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let changed = u64::try_from(metadata.ctime()).unwrap_or_default();
    let changed = Duration::new(changed, u32::try_from(metadata.ctime_nsec()).unwrap_or_default());
    // The clock of a file server may be ahead.
    since_epoch.checked_sub(changed).is_some_and(|age| age < STEP)
}

/// True if a process has the file open for writing. The kernel grants a read lease only on a file that no process has open so.
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
    use std::io::{Read, Write};
    use std::thread;
    use std::time::Duration;

    use super::read_whole;

    fn content(mut file: &File) -> String {
        let mut content = String::new();
        file.read_to_string(&mut content).unwrap();
        content
    }

    #[test]
    fn a_file_that_was_written_while_it_was_read_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        for (cause, change) in [
            ("in place", &(|| fs::write(&path, "other").unwrap()) as &dyn Fn()),
            ("by a rename", &|| {
                fs::write(folder.path().join("build"), "other").unwrap();
                fs::rename(folder.path().join("build"), &path).unwrap();
            }),
        ] {
            fs::write(&path, "first").unwrap();
            let mut readings = Vec::new();
            let found = read_whole(&path, |file| {
                readings.push(content(file));
                if readings.len() == 1 {
                    change();
                }
                readings.len()
            });
            // Other readings are repeated while a fork of another test has the file open.
            assert_eq!(found.unwrap(), Some(readings.len()), "{cause}");
            assert_eq!((&*readings[0], readings.last().unwrap().as_str()), ("first", "other"), "{cause}");
        }
    }

    /// It may take long to read a program, or the process may be suspended meanwhile.
    #[test]
    fn a_reading_that_took_longer_than_a_second_is_repeated_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        fs::write(&path, "first").unwrap();
        let mut is_first = true;
        let found = read_whole(&path, |file| {
            let found = content(file);
            if std::mem::take(&mut is_first) {
                thread::sleep(Duration::from_millis(1100));
                fs::write(&path, "other").unwrap();
            }
            found
        });
        assert_eq!(found.unwrap().as_deref(), Some("other"));
    }

    #[test]
    fn a_file_that_stays_open_for_writing_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        let mut writer = File::create(&path).unwrap();
        writer.write_all(b"half").unwrap();
        let second = OpenOptions::new().append(true).open(&path).unwrap();
        drop(writer);
        assert_eq!(read_whole(&path, content).unwrap(), None);
        drop(second);
        assert_eq!(read_whole(&path, content).unwrap().as_deref(), Some("half"));
    }

    /// It may be open in a process that another thread forks.
    #[test]
    fn a_file_that_is_open_for_writing_for_a_moment_is_read_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        let mut writer = File::create(&path).unwrap();
        writer.write_all(b"ha").unwrap();
        let writer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            writer.write_all(b"lf").unwrap();
        });
        assert_eq!(read_whole(&path, content).unwrap().as_deref(), Some("half"));
        writer.join().unwrap();
    }

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read_whole(folder.path(), |_| ()).unwrap_err().to_string(), "it is no file");
    }
}
