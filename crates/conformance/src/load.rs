//! Clients that ask without a pause and forgive nothing, while something is done to their server.

use crate::{Failed, callers, tally::Tally, wait_until};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

/// How a client spends its life.
type Life = fn(&Errand);

/// One thread each: connections that are kept, one a request, both in turn; requests sent by halves; answers read slowly;
/// streams of events.
const CLIENTS: [Life; 10] = [
    callers::keep_alive,
    callers::keep_alive,
    callers::thoughtful,
    callers::thoughtful,
    callers::a_connection_a_request,
    callers::a_connection_a_request,
    callers::mixed,
    callers::by_halves,
    callers::slow_reader,
    callers::follower,
];

/// Load on a server, until it is ended.
#[derive(Debug)]
pub struct Load {
    errand: Errand,
    clients: Vec<JoinHandle<()>>,
}

/// What every client knows.
#[derive(Clone, Debug)]
pub(crate) struct Errand {
    address: Arc<Mutex<SocketAddr>>,
    over: Arc<AtomicBool>,
    pub(crate) tally: Arc<Tally>,
}

impl Load {
    /// Begins to ask at `address`.
    pub fn on(address: SocketAddr) -> Load {
        let errand =
            Errand { address: Arc::new(Mutex::new(address)), over: Arc::default(), tally: Arc::default() };
        let clients = CLIENTS.iter().map(|live| {
            let errand = errand.clone();
            thread::spawn(move || live(&errand))
        });
        Load { clients: clients.collect(), errand }
    }

    /// Sends whoever connects from now on elsewhere.
    pub fn send_to(&self, address: SocketAddr) {
        *self.errand.address.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }

    /// Waits until so many more requests were answered well by `instance`: traffic has flowed, and flows there.
    pub fn wait_for_successes(&self, instance: &str, further: u64) -> Result<(), Failed> {
        let before = self.errand.tally.answered_by(instance);
        wait_until(&format!("{further} more answers from {instance}: {:?}", self.errand.tally), || {
            self.errand.tally.answered_by(instance) >= before + further
        })
    }

    /// What came of the requests so far.
    pub fn tally(&self) -> &Tally {
        &self.errand.tally
    }

    /// Ends the clients, each after what it is about, and hands over what came of all requests.
    pub fn end(mut self) -> Arc<Tally> {
        self.stop();
        Arc::clone(&self.errand.tally)
    }

    fn stop(&mut self) {
        self.errand.over.store(true, Ordering::Relaxed);
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

impl Errand {
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        *self.address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
