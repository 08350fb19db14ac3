//! Why there is no connection.

use configs::Rejection;
use tokio_postgres::error::SqlState;

use crate::settings::Settings;

/// Why there is no connection. `Display` names the role or the address, and is for the log.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub(crate) kind: Kind,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The server refuses the role or its password.
    Login,
    /// The server refuses the database.
    Database,
    /// The server does not answer.
    Unreachable,
    /// All connections are in use for too long.
    Busy,
    /// Another refusal of the server or of this system.
    Refused,
}

impl Error {
    pub(crate) fn new(kind: Kind, message: String) -> Self {
        Self { kind, message }
    }

    pub(crate) fn of(error: &tokio_postgres::Error, settings: &Settings) -> Self {
        let Some(refusal) = error.as_db_error() else {
            // The outer errors only say that connecting failed.
            let mut innermost: &dyn std::error::Error = error;
            while let Some(source) = innermost.source() {
                innermost = source;
            }
            return Self::unreachable(settings, innermost);
        };
        let words = refusal.message();
        match *refusal.code() {
            SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                Self::new(Kind::Login, format!("role \"{}\" cannot log in", settings.user))
            }
            SqlState::INVALID_CATALOG_NAME | SqlState::INSUFFICIENT_PRIVILEGE => {
                Self::new(Kind::Database, words.to_owned())
            }
            _ => Self::new(Kind::Refused, format!("the server refuses the connection: {words}")),
        }
    }

    pub(crate) fn unreachable(settings: &Settings, reason: impl std::fmt::Display) -> Self {
        let Settings { host, port, .. } = settings;
        Self::new(Kind::Unreachable, format!("cannot reach {host}:{port}: {reason}"))
    }

    /// A sentence for a visitor, without a name or an address.
    pub fn public(&self) -> &'static str {
        match self.kind {
            Kind::Busy => "all connections to the database are in use, try again in a moment",
            _ => "the database cannot be reached, try again in a moment",
        }
    }

    /// The rejection of an edit from `old` to `new` settings at `path`. It names the key that was edited.
    pub(crate) fn rejection(&self, path: &str, old: &Settings, new: &Settings) -> Rejection {
        let same_password = Settings { user: new.user.clone(), ..old.clone() }.same_login(new);
        let key = match self.kind {
            Kind::Login if same_password && old.user != new.user => ".user",
            Kind::Login => ".password",
            Kind::Database => ".name",
            Kind::Unreachable if old.host == new.host && old.port != new.port => ".port",
            Kind::Unreachable => ".host",
            Kind::Busy | Kind::Refused => "",
        };
        Rejection::new(format!("{path}{key}"), self.to_string())
            .help("the old connections serve on; this edit is tried again until it works")
    }
}
