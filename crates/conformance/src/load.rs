//! Clients that send requests all the time and retry none of them.

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

/// The main function of a client's thread.
type ClientKind = fn(&Job);

/// One thread each. The clients differ in their use of connections; the last one follows `/events`.
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

/// The number of clients with long pauses; they come first.
const WITH_LONG_PAUSES: usize = 4;

/// The behaviour of the clients of a load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pacing {
    /// The pause between two requests.
    pub(crate) pause: Duration,
    /// A client closes a connection that was idle for longer, as every connection pool does. So a client that the machine has
    /// delayed does not exceed the linger.
    pub(crate) idle_limit: Duration,
    /// The timeout of a request. It is generous because the machine may be busy.
    pub(crate) timeout: Duration,
}

/// Nearly no pauses. Loses nothing with a linger of more than one second.
const BUSY: Pacing = Pacing {
    pause: Duration::from_millis(2),
    idle_limit: Duration::from_secs(1),
    timeout: Duration::from_secs(8),
};

/// Longer pauses, which leave time for other tests. Loses nothing with a linger of more than half a second. The timeout is
/// longer than a server needs to detect a stalled process.
const MODERATE: Pacing = Pacing {
    pause: Duration::from_millis(30),
    idle_limit: Duration::from_millis(250),
    timeout: Duration::from_secs(20),
};

/// Load on a server until this is ended or dropped.
#[derive(Debug)]
pub struct Load {
    job: Job,
    clients: Vec<JoinHandle<()>>,
}

/// The state that all clients share.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) pacing: Pacing,
    address: Arc<Mutex<SocketAddr>>,
    over: Arc<AtomicBool>,
    pub(crate) tally: Arc<Tally>,
}

impl Load {
    /// A linger with which this load must lose nothing: far above the pauses of its clients, also on a busy machine.
    pub const LINGER: Duration = Duration::from_millis(1300);

    /// Starts the clients, which send requests to `address`.
    pub fn on(address: SocketAddr) -> Load {
        Load::by(&CLIENTS, BUSY, Tally::default(), address)
    }

    /// Starts clients that send one request, keep the connection idle, and send another request when the load is ended.
    pub(crate) fn before_and_after(address: SocketAddr) -> Load {
        let patient = Pacing { idle_limit: Duration::MAX, ..BUSY };
        Load::by(&[load_clients::before_and_after as ClientKind; 4], patient, Tally::default(), address)
    }

    /// Starts clients that send some hundred requests a second, wait longer, and accept the answer of any instance.
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

    /// Later connections go to this address.
    pub fn send_to(&self, address: SocketAddr) {
        *self.job.address.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }

    /// Waits until `instance` has answered this number of further requests well.
    pub fn wait_for_successes(&self, instance: &str, further: u64) -> Result<(), Failed> {
        let before = self.job.tally.answered_by(instance);
        wait_until(&format!("{further} more answers from {instance}: {:?}", self.job.tally), || {
            self.job.tally.answered_by(instance) >= before + further
        })
    }

    /// Waits until the client of `/events` follows `instance`, or until a request has failed: it may be that client's.
    pub fn wait_for_follower(&self, instance: &str) -> Result<(), Failed> {
        wait_until("the client of `/events` to be back", || {
            self.tally().is_following(instance) || self.tally().failed() > 0
        })
    }

    /// The number of clients. Each of them has at most one request under way.
    pub fn clients(&self) -> u64 {
        self.clients.len() as u64
    }

    /// The outcomes so far.
    pub fn tally(&self) -> &Tally {
        &self.job.tally
    }

    /// Ends the clients after their current requests, and returns all outcomes.
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
