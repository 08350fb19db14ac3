use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The error of a file that could not be read: its path, and the kind of thing that was found there.
///
/// A build gets it like content: once, after the quiet period. The build decides what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// The path as the build named it.
    pub path: PathBuf,
    /// The kind of thing that was found there.
    pub kind: ReadErrorKind,
}

/// The kind of thing that was found in the place of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadErrorKind {
    /// Nothing, or a symlink to nothing.
    Missing,
    /// Something that this process may not read.
    Denied,
    /// Something that is no regular file, or for a tree no folder: `a directory`, `a FIFO`, ...
    NotAFile(&'static str),
    /// A file of more bytes than the build allows.
    TooLarge {
        /// The most that was allowed, in bytes.
        limit: u64,
    },
    /// A folder of more files and folders than are walked through, or a symlink to one.
    TooManyEntries {
        /// The most that are walked through.
        limit: usize,
    },
    /// A folder of more wanted files than the build allows.
    TooManyFiles {
        /// The number of wanted files.
        found: usize,
        /// The most that was allowed.
        limit: usize,
    },
    /// A folder whose wanted files have more bytes than the build allows.
    TooLargeTogether {
        /// The most that was allowed, in bytes.
        limit: u64,
    },
    /// Symlinks that lead in a circle, or through more than 40 steps.
    Loop,
    /// Any other error, in the words of the operating system.
    Other(io::ErrorKind, String),
}

impl ReadError {
    pub(crate) fn new(path: &Path, kind: ReadErrorKind) -> Self {
        Self { path: path.to_owned(), kind }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.kind {
            ReadErrorKind::Missing => {
                write!(f, "`{path}` is missing: expected a file there; create it or name another")
            }
            ReadErrorKind::Denied => {
                write!(f, "`{path}` may not be read by this process: allow it to (`chmod`, `chown`)")
            }
            ReadErrorKind::NotAFile("a regular file") => {
                write!(f, "`{path}` is a regular file, expected a folder")
            }
            ReadErrorKind::NotAFile(what) => write!(f, "`{path}` is {what}, expected a regular file"),
            ReadErrorKind::TooLarge { limit } => {
                write!(f, "`{path}` is too large: expected at most {}", size(*limit))
            }
            ReadErrorKind::TooManyEntries { limit } => write!(
                f,
                "`{path}` leads to more than {limit} files and folders: remove the link, or what does not belong there"
            ),
            ReadErrorKind::TooManyFiles { found, limit } => {
                write!(f, "`{path}` holds {found} files, expected at most {limit}")
            }
            ReadErrorKind::TooLargeTogether { limit } => {
                write!(
                    f,
                    "the files below `{path}` are too large together: expected at most {}",
                    size(*limit)
                )
            }
            ReadErrorKind::Loop => {
                write!(f, "`{path}` leads through a circle of symlinks: expected at most 40 steps to a file")
            }
            ReadErrorKind::Other(_, words) => write!(f, "cannot read `{path}`: {words}"),
        }
    }
}

impl std::error::Error for ReadError {}

impl From<io::Error> for ReadErrorKind {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing,
            io::ErrorKind::PermissionDenied => Self::Denied,
            io::ErrorKind::IsADirectory => Self::NotAFile("a directory"),
            _ if is_loop(&error) => Self::Loop,
            kind => Self::Other(kind, error.to_string()),
        }
    }
}

fn is_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// A number of bytes in the largest unit that divides it.
fn size(bytes: u64) -> String {
    match bytes {
        whole if whole % (1 << 20) == 0 => format!("{} MiB", whole >> 20),
        whole if whole % (1 << 10) == 0 => format!("{} KiB", whole >> 10),
        odd => format!("{odd} bytes"),
    }
}
