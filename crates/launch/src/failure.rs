//! Why a demo does not serve, and the exit status for it.

use std::{io, process::ExitCode};

use lifecycle::{BindError, PidFileError, ServeError};
use site::OpenError;
use thiserror::Error;

/// An end of a demo with an exit status other than 0.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(
        "the process may open {limit} descriptors, and a server needs at least {needed}: raise the limit (`ulimit -n`)"
    )]
    Descriptors { limit: u64, needed: u64 },
    #[error("{0}; another port is one flag away: `--set port=8081`")]
    Bind(BindError),
    #[error("the listening socket in `LISTEN_FDS`: {0}")]
    Inherited(io::Error),
    #[error("`--pid-file`: {0}")]
    PidFile(PidFileError),
    #[error("the server ended: {0}")]
    Serve(ServeError),
    #[error("no upgrade: {0}")]
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
            Failure::Bind(_) | Failure::Inherited(_) | Failure::PidFile(PidFileError::InUse { .. }) => 3,
            _ => 1,
        })
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::PidFile(error) => Failure::PidFile(error),
            error => Failure::Serve(error),
        }
    }
}
