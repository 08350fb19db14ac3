//! Clients that send one request all the time, each on a connection of its own, and retry none of them.

use crate::{Answer, Client, Failed, wait_until};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

/// Clients of a load.
const CLIENTS: usize = 6;

/// Load on one target until this is ended or dropped.
pub(crate) struct TargetLoad {
    shared: Arc<Shared>,
    clients: Vec<thread::JoinHandle<()>>,
}

/// Says what is wrong with an answer.
type Judge = Box<dyn Fn(&Answer) -> Result<(), String> + Send + Sync>;

struct Shared {
    target: &'static str,
    judge: Judge,
    over: AtomicBool,
    answered: AtomicU64,
    failures: Mutex<Vec<String>>,
}

impl TargetLoad {
    /// `judge` says what is wrong with an answer of status 200. Every other one is a failure.
    pub(crate) fn on(
        address: SocketAddr,
        target: &'static str,
        judge: impl Fn(&Answer) -> Result<(), String> + Send + Sync + 'static,
    ) -> TargetLoad {
        let shared = Arc::new(Shared {
            target,
            judge: Box::new(judge),
            over: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            failures: Mutex::default(),
        });
        let clients = (0..CLIENTS).map(|_| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.ask(address))
        });
        TargetLoad { clients: clients.collect(), shared }
    }

    /// Waits for this number of further answers, or for a failure.
    pub(crate) fn wait_for(&self, further: u64) -> Result<(), Failed> {
        let answered = || self.shared.answered.load(Ordering::Relaxed);
        let before = answered();
        wait_until("answers", || answered() >= before + further || !self.failures().is_empty())
    }

    pub(crate) fn failures(&self) -> Vec<String> {
        self.shared.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of good answers, and the failures.
    pub(crate) fn end(mut self) -> (u64, Vec<String>) {
        self.stop();
        (self.shared.answered.load(Ordering::Relaxed), self.failures())
    }

    fn stop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            let _ = client.join();
        }
    }
}

impl Drop for TargetLoad {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn ask(&self, address: SocketAddr) {
        while !self.over.load(Ordering::Relaxed) {
            let answer = Client::connect(address).and_then(|mut client| client.get(self.target));
            let failure = match answer {
                Ok(answer) if answer.status != 200 => answer.status.to_string(),
                Ok(answer) => match (self.judge)(&answer) {
                    Ok(()) => {
                        self.answered.fetch_add(1, Ordering::Relaxed);
                        continue;
                    }
                    Err(wrong) => wrong,
                },
                Err(failed) => format!("{failed:?}"),
            };
            self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
        }
    }
}
