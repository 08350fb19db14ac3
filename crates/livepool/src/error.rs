//! Why there is no connection.

use std::error::Error as _;

use configs::Rejection;
use tokio_postgres::Config;
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;

/// Why there is no connection. `Display` names the role or the address, and is for the log.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server refuses the role or its password.
    #[error("role \"{0}\" cannot log in")]
    Login(String),
    /// The server refuses the database, in these words.
    #[error("{0}")]
    Database(String),
    /// The server does not answer.
    #[error("cannot reach {0}")]
    Unreachable(String),
    /// All connections are in use for too long. The value is their number.
    #[error("all {0} connections of the pool are in use")]
    Busy(usize),
    /// Another refusal of the server or of this system.
    #[error("{0}")]
    Refused(String),
}

impl Error {
    pub(crate) fn of(error: &tokio_postgres::Error, config: &Config) -> Self {
        let Some(refusal) = error.as_db_error() else {
            // The outer error only says that connecting failed.
            let reason = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            return Self::unreachable(config, &reason);
        };
        let words = refusal.message();
        match *refusal.code() {
            SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                Self::Login(config.get_user().unwrap_or_default().to_owned())
            }
            SqlState::INVALID_CATALOG_NAME | SqlState::INSUFFICIENT_PRIVILEGE => {
                Self::Database(words.to_owned())
            }
            _ => Self::Refused(format!("the server refuses the connection: {words}")),
        }
    }

    pub(crate) fn unreachable(config: &Config, reason: &str) -> Self {
        let host = match config.get_hosts() {
            [Host::Tcp(name), ..] => name.as_str().into(),
            [Host::Unix(folder), ..] => folder.to_string_lossy(),
            [] => "localhost".into(),
        };
        let port = config.get_ports().first().unwrap_or(&5432);
        Self::Unreachable(format!("{host}:{port}: {reason}"))
    }

    /// A sentence for a visitor, without a name or an address.
    pub fn public(&self) -> &'static str {
        match self {
            Self::Busy(_) => "all connections to the database are in use, try again in a moment",
            _ => "the database cannot be reached, try again in a moment",
        }
    }

    /// The rejection of an edit from `old` to `new` settings at `path`. It names the key that was edited.
    pub(crate) fn rejection(&self, path: &str, old: &Config, new: &Config) -> Rejection {
        let same_password = old.get_password() == new.get_password();
        let same_host = old.get_hosts() == new.get_hosts();
        let key = match self {
            Self::Login(_) if same_password && old.get_user() != new.get_user() => ".user",
            Self::Login(_) => ".password",
            Self::Database(_) => ".name",
            Self::Unreachable(_) if same_host && old.get_ports() != new.get_ports() => ".port",
            Self::Unreachable(_) => ".host",
            Self::Busy(_) | Self::Refused(_) => "",
        };
        Rejection::new(format!("{path}{key}"), self.to_string())
            .help("the old connections serve on; this edit is tried again until it works")
    }
}
