//! Clients that ask without a pause and forgive nothing, while something is done to their server.

use crate::{Failed, follower, load_clients, tally::Tally, wait_until};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How a client spends its life.
type ClientKind = fn(&Job);

/// One thread each: connections that are kept, one a request, both in turn; requests sent by halves; answers read slowly;
/// streams of events.
const CLIENTS: [ClientKind; 12] = [
    load_clients::with_long_pauses,
    load_clients::with_long_pauses,
    load_clients::with_long_pauses,
    load_clients::with_long_pauses,
    load_clients::keep_alive,
    load_clients::keep_alive,
    load_clients::one_request_per_connection,
    load_clients::one_request_per_connection,
    load_clients::few_requests_per_connection,
    load_clients::in_two_halves,
    load_clients::slow_reader,
    follower::follower,
];

/// The first of them take their time.
const WITH_LONG_PAUSES: usize = 4;

/// How the clients of a load behave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pacing {
    /// Between two requests.
    pub(crate) pause: Duration,
    /// A connection that was idle for longer is given up, as every pool of connections does, so that a client that the
    /// machine has kept waiting does not outstay the linger.
    pub(crate) idle_limit: Duration,
    /// How long a request may take: a busy machine is no fault of a server.
    pub(crate) timeout: Duration,
}

/// Without a pause to speak of; for a linger of more than a second.
const BUSY: Pacing = Pacing {
    pause: Duration::from_millis(2),
    idle_limit: Duration::from_secs(1),
    timeout: Duration::from_secs(8),
};

/// With time for others on the same machine, none of them with_long_pauses; for a linger of more than half a second. Its patience
/// is longer than a server needs to find out that a process has stalled.
const MODERATE: Pacing = Pacing {
    pause: Duration::from_millis(30),
    idle_limit: Duration::from_millis(250),
    timeout: Duration::from_secs(20),
};

/// Load on a server, until it is ended.
#[derive(Debug)]
pub struct Load {
    job: Job,
    clients: Vec<JoinHandle<()>>,
}

/// What every client knows.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) pacing: Pacing,
    address: Arc<Mutex<SocketAddr>>,
    over: Arc<AtomicBool>,
    pub(crate) tally: Arc<Tally>,
}

impl Load {
    /// A linger of a server of which this load may lose nothing: far above the pauses of its clients, also on a busy
    /// machine.
    pub const LINGER: Duration = Duration::from_millis(1300);

    /// Begins to ask at `address`.
    pub fn on(address: SocketAddr) -> Load {
        Load::by(&CLIENTS, BUSY, Tally::default(), address)
    }

    /// Each client asks once, keeps its connection, and asks once more when the load is ended.
    pub(crate) fn before_and_after(address: SocketAddr) -> Load {
        let patient = Pacing { idle_limit: Duration::MAX, ..BUSY };
        Load::by(&[load_clients::before_and_after as ClientKind; 4], patient, Tally::default(), address)
    }

    /// The same for less: some hundred requests a second, by clients that wait longer, and take any instance for the right
    /// one.
    pub fn moderately_on(address: SocketAddr) -> Load {
        Load::by(&CLIENTS[WITH_LONG_PAUSES..], MODERATE, Tally::of_any_instance(), address)
    }

    fn by(clients: &[ClientKind], pacing: Pacing, tally: Tally, address: SocketAddr) -> Load {
        let job = Job {
            pacing,
            address: Arc::new(Mutex::new(address)),
            over: Arc::default(),
            tally: Arc::new(tally),
        };
        let clients = clients.iter().map(|&live| {
            let job = job.clone();
            thread::spawn(move || live(&job))
        });
        Load { clients: clients.collect(), job }
    }

    /// Sends whoever connects from now on elsewhere.
    pub fn send_to(&self, address: SocketAddr) {
        *self.job.address.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }

    /// Waits until so many more requests were answered well by `instance`: traffic has flowed, and flows there.
    pub fn wait_for_successes(&self, instance: &str, further: u64) -> Result<(), Failed> {
        let before = self.job.tally.answered_by(instance);
        wait_until(&format!("{further} more answers from {instance}: {:?}", self.job.tally), || {
            self.job.tally.answered_by(instance) >= before + further
        })
    }

    /// Waits until the client of `/events` follows `instance`; not where requests fail, perhaps that client's.
    pub fn wait_for_follower(&self, instance: &str) -> Result<(), Failed> {
        wait_until("the client of `/events` to be back", || {
            self.tally().is_following(instance) || self.tally().failed() > 0
        })
    }

    /// How many clients ask; each has one request under way at most.
    pub fn clients(&self) -> u64 {
        self.clients.len() as u64
    }

    /// What came of the requests so far.
    pub fn tally(&self) -> &Tally {
        &self.job.tally
    }

    /// Ends the clients, each after what it is about, and hands over what came of all requests.
    pub fn end(mut self) -> Arc<Tally> {
        self.stop();
        Arc::clone(&self.job.tally)
    }

    fn stop(&mut self) {
        self.job.over.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            let _ = client.join();
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Job {
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        *self.address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
