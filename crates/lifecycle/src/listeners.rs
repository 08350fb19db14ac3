//! The listeners of a server, and the move from one to the next.

mod moves;
#[cfg(test)]
mod tests;

use std::io;
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

pub(crate) use self::moves::Moves;
pub use self::moves::{Move, MoveError};
use crate::drain::Drain;
use crate::prepared_listener::{PreparedListener, Serve};
use crate::server_thread::ServerThread;
use crate::socket::{BindError, Socket};
use crate::stage::{DrainTimeouts, Stage};

/// Upper bound on the wait for an older listener of this process that is being closed.
const CLOSING: Duration = Duration::from_secs(1);

/// Interval at which it is checked meanwhile.
const RETRY: Duration = Duration::from_millis(10);

/// A handle of every socket on which this process accepts.
pub(crate) struct Listeners {
    held: Mutex<Held>,
    /// True if another process, such as systemd, made the listener and holds it too. Then it is not moved.
    supervised: bool,
    opened: mpsc::UnboundedSender<ServerThread>,
}

struct Held {
    timeouts: DrainTimeouts,
    serve: Option<Arc<Serve>>,
    newest: Option<HeldSocket>,
    /// Those that are drained, the oldest first.
    older: Vec<HeldSocket>,
    moves: Moves,
    /// The address that is moved to as soon as moves are allowed.
    wanted: Option<(String, u16)>,
}

struct HeldSocket {
    socket: Socket,
    drain: Drain,
}

/// A socket for a new listener, and the drain of the listener whose queue it takes over, if that is still there.
struct Found {
    socket: Socket,
    over_from: Option<Drain>,
}

impl Listeners {
    /// Every listener that begins to accept is sent to `opened`.
    pub(crate) fn new(supervised: bool, opened: mpsc::UnboundedSender<ServerThread>) -> Listeners {
        let timeouts = DrainTimeouts::default();
        let held = Held {
            timeouts,
            serve: None,
            newest: None,
            older: Vec::new(),
            moves: Moves::NotYet,
            wanted: None,
        };
        Listeners { held: Mutex::new(held), supervised, opened }
    }

    /// The times of the drains of later listeners.
    pub(crate) fn set_timeouts(&self, timeouts: DrainTimeouts) {
        self.held().timeouts = timeouts;
    }

    /// The function that serves every listener.
    pub(crate) fn serve_with(&self, serve: Serve) {
        self.held().serve = Some(Arc::new(serve));
    }

    /// Closes the sockets and gives up what serves them, which may hold a [`Handle`](crate::Handle) of this.
    pub(crate) fn close(&self) {
        let mut held = self.held();
        held.moves = Moves::Over;
        held.older.clear();
        let (newest, serve) = (held.newest.take(), held.serve.take());
        drop(held);
        drop((newest, serve));
    }

    /// Makes a listener ready on `socket`.
    pub(crate) fn prepare(&self, socket: Socket) -> io::Result<PreparedListener> {
        let timeouts = self.held().timeouts;
        PreparedListener::new(socket, None, timeouts)
    }

    /// Begins to accept.
    pub(crate) fn open(&self, prepared: PreparedListener) {
        let mut held = self.held();
        self.open_held(&mut held, prepared);
    }

    /// Another handle of the socket on which this process accepts.
    pub(crate) fn newest(&self) -> Option<Socket> {
        self.held().newest.as_ref().and_then(|newest| newest.socket.try_clone().ok())
    }

    /// Closes the sockets on which accepting has ended: further clients are refused instead of kept waiting.
    pub(crate) fn release(&self) {
        let accepts = |held: &HeldSocket| !held.drain.is_shared() && held.drain.stage() < Stage::Stopping;
        let mut held = self.held();
        held.older.retain(accepts);
        held.newest = held.newest.take().filter(|newest| !newest.drain.is_draining() || accepts(newest));
    }

    /// Says what moves come to from now on.
    pub(crate) fn set_moves(&self, moves: Moves) {
        self.held().moves = moves;
    }

    /// True if no upgrade is under way, and the process serves on.
    pub(crate) fn may_move(&self) -> bool {
        self.held().moves == Moves::Allowed
    }

    /// True if an upgrade is under way, or the process does not serve on.
    pub(crate) fn is_handing_over(&self) -> bool {
        matches!(self.held().moves, Moves::Deferred | Moves::Over)
    }

    /// Moves to the address that was asked for while moves were deferred. It blocks for up to a second.
    pub(crate) fn catch_up(&self) {
        let Some(to) = self.wanted() else { return };
        match self.prepare_at(&to.0, to.1) {
            Ok(prepared) => self.open_wanted(&to, prepared),
            Err(error) => {
                tracing::error!("{error}; the address stays as it is");
                self.open_wanted(&to, None);
            }
        }
    }

    /// The address to move to now.
    fn wanted(&self) -> Option<(String, u16)> {
        let held = self.held();
        held.wanted.clone().filter(|_| held.moves == Moves::Allowed)
    }

    /// Ends the wait for a move to `to`. A later move may have come first: then its address stays.
    fn open_wanted(&self, to: &(String, u16), prepared: Option<PreparedListener>) {
        let mut held = self.held();
        if held.moves == Moves::Allowed && held.wanted.as_ref() == Some(to) {
            held.wanted = None;
            if let Some(prepared) = prepared {
                self.open_held(&mut held, prepared);
            }
        }
    }

    /// Makes a move to that address ready. It blocks for up to a second.
    pub(crate) fn prepare_move(self: &Arc<Self>, host: &str, port: u16) -> Result<Move, MoveError> {
        let prepared = if self.can_move(host, port) { self.prepare_at(host, port)? } else { None };
        Ok(Move { listeners: Arc::clone(self), to: (host.to_owned(), port), prepared })
    }

    /// Makes a listener at that address ready; `None` if it is the one on which this process accepts.
    fn prepare_at(&self, host: &str, port: u16) -> Result<Option<PreparedListener>, MoveError> {
        let found = self.find(host, port).map_err(MoveError::Bind)?;
        let timeouts = self.held().timeouts;
        let prepared = found.map(|found| PreparedListener::new(found.socket, found.over_from, timeouts));
        prepared.transpose().map_err(MoveError::Serve)
    }

    /// True if the listener can be moved now. A supervisor's is the supervisor's to move.
    fn can_move(&self, host: &str, port: u16) -> bool {
        let held = self.held();
        if self.supervised && held.moves != Moves::Over {
            tracing::info!(
                "the listener is a supervisor's: `{host}:{port}` moves nothing until the next start"
            );
        }
        held.newest.is_some() && !self.supervised && held.moves == Moves::Allowed
    }

    /// Moves to the address as soon as moves are allowed, which may be now. It blocks for up to a second.
    pub(crate) fn want(&self, to: (String, u16)) {
        let mut held = self.held();
        held.wanted = (held.moves != Moves::Over && !self.supervised).then_some(to);
        drop(held);
        self.catch_up();
    }

    fn open_at(&self, to: (String, u16), prepared: PreparedListener) {
        let mut held = self.held();
        match held.moves {
            Moves::Allowed => {
                held.wanted = None;
                self.open_held(&mut held, prepared);
            }
            Moves::NotYet | Moves::Deferred => held.wanted = Some(to),
            Moves::Over => {}
        }
    }

    fn open_held(&self, held: &mut Held, prepared: PreparedListener) {
        let Some(serve) = held.serve.clone() else { return };
        let Ok((thread, socket)) = prepared.open(&serve) else { return };
        let newest = HeldSocket { socket, drain: thread.drain().clone() };
        let older = held.newest.replace(newest);
        held.older.extend(older);
        // At the end of the process nobody receives it: the listener is dropped, and closed with that.
        let _ = self.opened.send(thread);
    }

    /// A socket at that address; `None` if it is the one on which this process accepts.
    fn find(&self, host: &str, port: u16) -> Result<Option<Found>, BindError> {
        let since = Instant::now();
        loop {
            match self.look(host, port) {
                // An older listener of this process is closed at any moment.
                Err(error) if is_ours(&error) && since.elapsed() < CLOSING => sleep(RETRY),
                found => return found,
            }
        }
    }

    /// The lock is not held while the address is bound: to name the process that holds it may take long.
    fn look(&self, host: &str, port: u16) -> Result<Option<Found>, BindError> {
        let ours: Vec<Socket> = {
            let held = self.held();
            let is_there = |held: &&HeldSocket| held.socket.is_at(host, port);
            if held.newest.iter().any(|newest| is_there(&newest)) {
                return Ok(None);
            }
            if let Some(older) = held.older.iter().rev().find(is_there)
                && let Ok(socket) = older.socket.try_clone()
            {
                return Ok(Some(Found { socket, over_from: Some(older.drain.clone()) }));
            }
            held.newest.iter().chain(&held.older).filter_map(|held| held.socket.try_clone().ok()).collect()
        };
        let ours: Vec<&Socket> = ours.iter().collect();
        let socket = Socket::bind_host_beside(host, port, &ours)?;
        Ok(Some(Found { socket, over_from: None }))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_ours(error: &BindError) -> bool {
    error.owner.as_ref().is_some_and(|owner| owner.pid == process::id())
}
