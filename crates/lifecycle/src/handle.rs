//! A running server, as other threads see it.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::control_socket::Requester;
use crate::listeners::{Listeners, Move, MoveError};
use crate::upgrade_error::UpgradeError;

/// Moves, upgrades or drains a [`Server`](crate::Server) from any thread. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(crate) listeners: Arc<Listeners>,
    pub(crate) requests: mpsc::UnboundedSender<Request>,
}

/// A request of a [`Handle`] to the main loop.
pub(crate) enum Request {
    Upgrade(Requester),
    Drain,
}

impl Handle {
    /// Makes a move to `host` and `port` ready: the address is bound. It blocks for up to a second, and must not be called
    /// on a runtime's thread.
    ///
    /// On a supervisor's listener nothing moves until the next start; a log line says so. During an upgrade the process
    /// that serves at its end moves.
    pub fn prepare_move(&self, host: &str, port: u16) -> Result<Move, MoveError> {
        self.listeners.prepare_move(host, port)
    }

    /// Moves to `host` and `port`: [`Handle::prepare_move`], then [`Move::commit`].
    pub fn move_to(&self, host: &str, port: u16) -> Result<(), MoveError> {
        self.prepare_move(host, port).map(Move::commit)
    }

    /// Starts the program that is at this process's path now, and hands over to it. Resolves at the end of the probation,
    /// with a sentence of the success, or with the reason why this process serves on.
    pub async fn upgrade(&self) -> Result<String, UpgradeError> {
        self.request_upgrade().await.unwrap_or_else(|_| Err(ended()))
    }

    /// The same as [`Handle::upgrade`]. It blocks, and must not be called on a runtime's thread.
    pub fn blocking_upgrade(&self) -> Result<String, UpgradeError> {
        self.request_upgrade().blocking_recv().unwrap_or_else(|_| Err(ended()))
    }

    /// True if an upgrade would begin now: none is under way, and neither a stop nor a successor has ended this server's time.
    pub fn may_upgrade(&self) -> bool {
        self.listeners.may_move()
    }

    /// True while an upgrade is under way, and when a stop or a successor has ended this server's time. A change of state that
    /// a successor reads at its start is lost then.
    pub fn is_handing_over(&self) -> bool {
        self.listeners.is_handing_over()
    }

    /// Drains the server, as `SIGTERM` does. The second call ends it at once.
    pub fn drain(&self) {
        let _ = self.requests.send(Request::Drain);
    }

    fn request_upgrade(&self) -> oneshot::Receiver<Result<String, UpgradeError>> {
        let (answer, outcome) = oneshot::channel();
        let _ = self.requests.send(Request::Upgrade(Requester::Task(answer)));
        outcome
    }
}

fn ended() -> UpgradeError {
    UpgradeError::Busy(String::from("the server has ended"))
}
