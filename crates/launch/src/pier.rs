//! What turns a socket into a place at which the site is served, also while others are.

use std::{
    io, process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::sleep,
    time::{Duration, Instant},
};

use lifecycle::{BindError, Drain, Endpoint, Socket, Stage, Terms};
use site::{AppConfig, Commit, Rejection, Site};
use tokio::sync::mpsc;

use crate::berth::{Berth, Place};

/// How long a listener of ours that is being closed is waited for.
const CLOSING: Duration = Duration::from_secs(1);

/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(10);

/// The site, a framework that serves it, and the sockets on which that is done.
pub(crate) struct Pier<S> {
    site: Site,
    terms: Terms,
    serve: S,
    held: Mutex<Held>,
    opened: mpsc::UnboundedSender<Place>,
}

/// Another handle of every socket that is accepted on.
#[derive(Default)]
struct Held {
    newest: Option<Mooring>,
    left: Vec<Mooring>,
}

struct Mooring {
    socket: Socket,
    drain: Drain,
}

/// A socket for a new place, and the place whose queue it takes over, if that is still there.
struct Found {
    socket: Socket,
    over_from: Option<Drain>,
}

impl<S, F> Pier<S>
where
    S: Fn(Site, Endpoint) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = io::Result<()>> + 'static,
{
    /// Every place that is opened is sent to `opened`.
    pub(crate) fn new(site: Site, terms: Terms, serve: S, opened: mpsc::UnboundedSender<Place>) -> Self {
        Self { site, terms, serve, held: Mutex::default(), opened }
    }

    /// Makes a place ready at `socket`.
    pub(crate) fn berth(&self, socket: Socket) -> io::Result<Berth> {
        self.berth_over(Found { socket, over_from: None })
    }

    fn berth_over(&self, Found { socket, over_from }: Found) -> io::Result<Berth> {
        Berth::new(socket, over_from, self.terms, self.serve.clone())
    }

    /// Serves there from now on.
    pub(crate) fn open(&self, berth: Berth) {
        let (place, socket) = berth.open(&self.site);
        let mooring = Mooring { socket, drain: place.drain().clone() };
        let mut held = self.held();
        let left = held.newest.replace(mooring);
        held.left.extend(left);
        // Nobody hears it at the end of the process: the place is dropped, and with it forced to end.
        let _ = self.opened.send(place);
    }

    /// Another handle of the socket that is served now.
    pub(crate) fn newest(&self) -> Option<Socket> {
        self.held().newest.as_ref().and_then(|newest| newest.socket.try_clone().ok())
    }

    /// Gives up the sockets on which accepting has ended, so that nobody knocks in vain.
    pub(crate) fn release(&self) {
        let accepts =
            |mooring: &Mooring| !mooring.drain.is_shared() && mooring.drain.stage() < Stage::Stopping;
        let mut held = self.held();
        held.left.retain(accepts);
        held.newest = held.newest.take().filter(|newest| !newest.drain.is_draining() || accepts(newest));
    }

    /// Makes ready what an edit wants of the listener. The new address is bound now, so that an edit that names one
    /// that cannot be had is rejected.
    pub(crate) fn prepare(self: &Arc<Self>, old: &AppConfig, new: &AppConfig) -> Result<Commit, Rejection> {
        let (host, port) = (old.host != new.host, old.port != new.port);
        let key = if host { "host" } else { "port" };
        let moved = if (host || port) && self.can_move(key) { self.moved(host, port, new)? } else { None };
        let pier = Arc::clone(self);
        Ok(Box::new(move || {
            if let Some(berth) = moved {
                pier.open(berth);
            }
        }))
    }

    /// Moves to where `config` says, if it says something else by now than what is served.
    pub(crate) fn settle(&self, config: &AppConfig) {
        let ours = self.held().newest.as_ref().is_some_and(|newest| !newest.socket.is_shared());
        if !ours {
            return;
        }
        match self.moved(true, true, config) {
            Ok(None) => {}
            Ok(Some(berth)) => self.open(berth),
            Err(rejection) => tracing::error!("{}; the address stays as it is", rejection.message),
        }
    }

    /// A berth where `config` says; none where that is served already.
    fn moved(&self, host: bool, port: bool, config: &AppConfig) -> Result<Option<Berth>, Rejection> {
        let found = self.find(&config.host, config.port).map_err(|error| rejection(host, port, &error))?;
        let berth = found.map(|found| self.berth_over(found)).transpose();
        berth.map_err(|error| {
            Rejection::new(if port { "port" } else { "host" }, format!("cannot serve there: {error}"))
        })
    }

    /// Whether the listener is ours to move; if not because it is a supervisor's, that is said.
    fn can_move(&self, key: &str) -> bool {
        match &self.held().newest {
            Some(newest) if newest.socket.is_shared() => {
                tracing::info!(
                    "the listener is a supervisor's: a changed `{key}` moves it at the next start"
                );
                false
            }
            newest => newest.is_some(),
        }
    }

    /// A socket at that address; none when it is the one that is served already.
    fn find(&self, host: &str, port: u16) -> Result<Option<Found>, BindError> {
        let since = Instant::now();
        loop {
            match self.look(host, port) {
                // A place that was left closes its listener at any moment.
                Err(error) if is_ours(&error) && since.elapsed() < CLOSING => sleep(LOOK),
                found => return found,
            }
        }
    }

    fn look(&self, host: &str, port: u16) -> Result<Option<Found>, BindError> {
        let held = self.held();
        let is_there = |mooring: &&Mooring| mooring.socket.is_at(host, port);
        if held.newest.iter().any(|newest| is_there(&newest)) {
            return Ok(None);
        }
        let left = held.left.iter().rev().find(is_there);
        if let Some(Ok(socket)) = left.map(|left| left.socket.try_clone()) {
            return Ok(Some(Found { socket, over_from: left.map(|left| left.drain.clone()) }));
        }
        let ours: Vec<&Socket> =
            held.newest.iter().chain(&held.left).map(|mooring| &mooring.socket).collect();
        let socket = Socket::bind_host_beside(host, port, &ours)?;
        Ok(Some(Found { socket, over_from: None }))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_ours(error: &BindError) -> bool {
    error.holder.as_ref().is_some_and(|holder| holder.pid == process::id())
}

fn rejection(host: bool, port: bool, error: &BindError) -> Rejection {
    let elsewhere =
        matches!(error.reason.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::InvalidInput);
    let path = if host && (elsewhere || !port) { "host" } else { "port" };
    Rejection::new(path, error.to_string())
}
