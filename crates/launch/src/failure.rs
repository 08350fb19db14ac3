//! Why a demo does not serve, and the exit status for it.

use std::{fmt, io, process::ExitCode};

use lifecycle::{BindError, PidFileError, ServeError};
use site::OpenError;

/// An end of a demo with an exit status other than 0.
#[derive(Debug)]
pub(crate) enum Failure {
    Open(OpenError),
    Descriptors { limit: u64, needed: u64 },
    Bind(BindError),
    Inherited(io::Error),
    Serve(ServeError),
    Upgrade(String),
}

impl Failure {
    /// The system refused what a server needs.
    pub(crate) fn system(error: io::Error) -> Failure {
        Failure::Serve(ServeError::Io(error))
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Open(OpenError::Usage(_)) => 2,
            Failure::Bind(_)
            | Failure::Inherited(_)
            | Failure::Serve(ServeError::PidFile(PidFileError::InUse { .. })) => 3,
            Failure::Open(_) | Failure::Descriptors { .. } | Failure::Serve(_) | Failure::Upgrade(_) => 1,
        })
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Failure::Open(error)
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        Failure::Serve(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Open(error) => error.fmt(f),
            Failure::Descriptors { limit, needed } => write!(
                f,
                "the process may open {limit} descriptors, and a server needs at least {needed}: raise the limit (`ulimit -n`)"
            ),
            Failure::Bind(error) => {
                write!(f, "{error}; another port is one flag away: `--set port=8081`")
            }
            Failure::Inherited(error) => write!(f, "the listening socket in `LISTEN_FDS`: {error}"),
            Failure::Serve(ServeError::PidFile(error)) => write!(f, "`--pid-file`: {error}"),
            Failure::Serve(error) => write!(f, "the server ended: {error}"),
            Failure::Upgrade(reason) => write!(f, "no upgrade: {reason}"),
        }
    }
}
