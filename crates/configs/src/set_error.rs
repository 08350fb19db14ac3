//! Why a value cannot be set at run time.

use std::fmt::{Display, Formatter};

use crate::diagnosis::Diagnosis;
use crate::origin::Origin;

/// Why a value could not be set at run time, or not be taken back.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SetError {
    /// The key is no dotted path.
    Malformed,
    /// The key names a secret, or the value contains one.
    Secret,
    /// A flag sets the same key, and it is stronger.
    HeldBy(Origin),
    /// Nothing was set for this key.
    NotSet,
    /// The configuration with it was rejected. Nothing has changed.
    Rejected(Diagnosis),
    /// It is in force, but it could not be written to the file of kept values.
    NotKept(String),
    /// The system refused the thread that waits for the value to expire. Nothing has changed.
    System(String),
    /// The last handle to the configuration was dropped meanwhile.
    Closed,
}

impl Display for SetError {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            SetError::Malformed => out.write_str("expected a dotted key such as `settings.log_level`"),
            SetError::Secret => {
                out.write_str("a secret cannot be set at run time: change it in its file or in a variable")
            }
            SetError::HeldBy(origin) => {
                write!(out, "`{origin}` is stronger than a value that is set at run time")
            }
            SetError::NotSet => out.write_str("no value is set at run time for this key"),
            SetError::Rejected(diagnosis) => Display::fmt(diagnosis, out),
            SetError::NotKept(error) => write!(out, "it is in force, but it is lost at a restart: {error}"),
            SetError::System(error) => write!(out, "the system refused a thread: {error}"),
            SetError::Closed => out.write_str("the last handle to the configuration was dropped"),
        }
    }
}

impl std::error::Error for SetError {}
