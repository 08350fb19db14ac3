//! The file that holds the id of the process that serves.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use thiserror::Error;

/// The longest content that is read: a process id has at most ten digits.
const LONGEST: u64 = 64;

/// Upper bound on the wait for the lock of the folder. Another server holds it for the time of a rename.
const LOCKED: Duration = Duration::from_secs(5);

/// A file with the id of this process, written whole or not at all.
///
/// Dropping it removes the file, unless the file names another process by then, such as a successor.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
}

/// Why the process file could not be written.
#[derive(Debug, Error)]
pub enum PidFileError {
    /// The file belongs to a process that is running.
    #[error(
        "`{}` names process {pid} (`{name}`), which is running: stop it, name another file, or remove this one if it is \
         not yours",
        path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
        /// The process that it names.
        pid: u32,
        /// The name of that process; empty if the system does not tell.
        name: String,
    },
    /// The file holds something else.
    #[error("`{}` holds no process id and is left as it is: name another file", path.display())]
    NoProcessId {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot write the process id to `{}`: {reason}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        reason: io::Error,
    },
}

impl PidFile {
    /// Writes the id of this process to `path`. A file with the id of a process that is gone is replaced.
    ///
    /// `predecessor` is the process that this one takes over from, which may still be named there. A [`Server`](crate::Server)
    /// on a supervisor's listener takes a process for that which holds the same listener.
    pub fn create(path: impl Into<PathBuf>, predecessor: Option<u32>) -> Result<PidFile, PidFileError> {
        let file = PidFile { path: path.into() };
        file.write(predecessor)?;
        Ok(file)
    }

    /// Writes the id of this process again, over that of the `successor` that failed.
    pub fn reclaim(&self, successor: Option<u32>) -> Result<(), PidFileError> {
        self.write(successor)
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The process id in the file at `path`.
    pub fn read(path: impl AsRef<Path>) -> io::Result<u32> {
        let text = content(path.as_ref())?;
        text.trim().parse().map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidData, format!("`{}` is no process id", text.trim()))
        })
    }

    /// Writes a draft beside the file, then renames it over the file.
    fn write(&self, former: Option<u32>) -> Result<(), PidFileError> {
        let _lock = locked_folder(&self.path).map_err(|reason| self.error(reason))?;
        self.check(former)?;
        let draft = draft(&self.path).map_err(|reason| self.error(reason))?;
        fs::rename(&draft, &self.path).map_err(|reason| {
            let _ = fs::remove_file(&draft);
            self.error(reason)
        })
    }

    /// Fails if this process may not replace the file. It may replace that of the process `former`.
    fn check(&self, former: Option<u32>) -> Result<(), PidFileError> {
        let text = match content(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            content => content.map_err(|reason| self.error(reason))?,
        };
        if text.trim().is_empty() {
            return Ok(());
        }
        let Ok(pid) = text.trim().parse() else {
            return Err(PidFileError::NoProcessId { path: self.path.clone() });
        };
        if pid == process::id() || Some(pid) == former || !is_running(pid) {
            return Ok(());
        }
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        Err(PidFileError::InUse { path: self.path.clone(), pid, name: name.trim().to_owned() })
    }

    fn error(&self, reason: io::Error) -> PidFileError {
        PidFileError::Io { path: self.path.clone(), reason }
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if PidFile::read(&self.path).is_ok_and(|pid| pid == process::id()) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Locks the file's folder, so that of several processes one checks and replaces the file at a time. A file system
/// without such locks does without.
fn locked_folder(path: &Path) -> io::Result<Option<File>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = File::open(folder)?;
    let since = Instant::now();
    loop {
        match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(folder)),
            Err(Errno::WOULDBLOCK) if since.elapsed() < LOCKED => sleep(Duration::from_millis(5)),
            Err(Errno::WOULDBLOCK) => {
                return Err(io::Error::new(
                    io::ErrorKind::ResourceBusy,
                    "another process has locked its folder",
                ));
            }
            Err(_) => return Ok(None),
        }
    }
}

/// The content of a regular file. Anything else, such as a pipe, is not read, since that could wait for ever.
fn content(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Writes the id of this process to a new file in the same folder. A link under its name is not followed (`O_EXCL`).
fn draft(path: &Path) -> io::Result<PathBuf> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it names no file"));
    };
    let mut draft = name.to_os_string();
    draft.push(format!(".{}", process::id()));
    let draft = path.with_file_name(draft);
    let create = || OpenOptions::new().write(true).create_new(true).open(&draft);
    let created = create().or_else(|error| {
        if error.kind() != io::ErrorKind::AlreadyExists {
            return Err(error);
        }
        // A process with the same id was killed before it removed its draft.
        fs::remove_file(&draft)?;
        create()
    });
    let written = created?.write_all(format!("{}\n", process::id()).as_bytes());
    written.inspect_err(|_| {
        let _ = fs::remove_file(&draft);
    })?;
    Ok(draft)
}

/// True if the id belongs to a process that has not ended. A process that nobody has waited for yet has ended, and the
/// id of a thread is no process's.
fn is_running(pid: u32) -> bool {
    let Some(id) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    if test_kill_process(id) == Err(Errno::SRCH) {
        return false;
    }
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let field = |name| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
    let ended = field("State:").starts_with(['Z', 'X']);
    let thread = field("Tgid:").parse().is_ok_and(|group: u32| group != pid);
    !ended && !thread
}
