//! Why a demo does not serve, and the exit status for it.

use std::{fmt, io, process::ExitCode};

use lifecycle::{BindError, PidFileError};
use site::OpenError;

/// What ends a demo otherwise than well.
#[derive(Debug)]
pub(crate) enum Failure {
    Open(OpenError),
    Bind(BindError),
    HandedOver(io::Error),
    PidFile(PidFileError),
    Serve(io::Error),
    Upgrade(String),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Open(OpenError::Usage(_)) => 2,
            Failure::Bind(_) | Failure::HandedOver(_) | Failure::PidFile(PidFileError::InUse { .. }) => 3,
            Failure::Open(_) | Failure::PidFile(_) | Failure::Serve(_) | Failure::Upgrade(_) => 1,
        })
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Failure::Open(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Open(error) => error.fmt(f),
            Failure::Bind(error) => {
                write!(f, "{error}; another port is one flag away: `--set port=8081`")
            }
            Failure::HandedOver(error) => write!(f, "the listening socket in `LISTEN_FDS`: {error}"),
            Failure::PidFile(error) => write!(f, "`--pid-file`: {error}"),
            Failure::Upgrade(words) => write!(f, "no upgrade: {words}"),
            Failure::Serve(error) => write!(f, "the server ended: {error}"),
        }
    }
}
