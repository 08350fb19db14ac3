//! A move of the server to another address.

use std::io;
use std::sync::Arc;

use thiserror::Error;

use super::Listeners;
use crate::prepared_listener::PreparedListener;
use crate::socket::BindError;

/// Why a server cannot move to an address.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MoveError {
    /// The address cannot be bound.
    #[error(transparent)]
    Bind(BindError),
    /// The system has no thread or descriptor left for another listener.
    #[error("cannot serve there: {0}")]
    Serve(#[source] io::Error),
}

/// The outcome of a request for another address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moves {
    /// It moves later: the process does not serve yet.
    NotYet,
    /// The server moves.
    Allowed,
    /// It moves later: an upgrade is under way, and its successor has this process's listener.
    Deferred,
    /// It does not move any more: it stops, or its successor serves.
    Over,
}

/// A move to another address that cannot fail any more. Dropping it gives it up.
#[must_use = "the server moves when this is committed"]
pub struct Move {
    pub(super) listeners: Arc<Listeners>,
    pub(super) to: (String, u16),
    pub(super) prepared: Option<PreparedListener>,
}

impl Move {
    /// Serves at the new address from now on, and drains the former listener.
    pub fn commit(self) {
        match self.prepared {
            Some(prepared) => self.listeners.open_at(self.to, prepared),
            None => self.listeners.want(self.to),
        }
    }
}
