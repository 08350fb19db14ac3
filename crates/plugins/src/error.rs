//! Why a plugin is not taken.

use std::path::PathBuf;

use filewatch::ReadError;

/// Why a plugin is not taken. The one before stays.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file cannot be a plugin, or failed its trial.
    #[error("`{}` {reason}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// Why, as the rest of a sentence.
        reason: String,
    },
    /// The file is another one than expected.
    #[error("`{}` has the SHA-256 {found}, expected {expected}", path.display())]
    Digest {
        /// The file.
        path: PathBuf,
        /// The digest of the file, in hexadecimal digits.
        found: String,
        /// The digest that was asked for.
        expected: String,
    },
    /// The program cannot try plugins.
    #[error("`main` has to call `plugins::init()` before anything else")]
    NotInitialized,
}
