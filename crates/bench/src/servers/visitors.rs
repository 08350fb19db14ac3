//! Clients that count every request while their server is restarted.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle, sleep},
    time::{Duration, Instant},
};

use conformance::{Client, Failed};

/// Clients that keep their connections, and as many that open one for each request.
pub(crate) struct Visitors {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// The results of the clients.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    /// The longest time without an answer to any client.
    pub(crate) silence: Duration,
}

struct Shared {
    address: SocketAddr,
    path: &'static str,
    over: AtomicBool,
    answered: AtomicU64,
    failed: AtomicU64,
    last: Mutex<(Instant, Duration)>,
}

/// The pause between two requests of a client.
const PAUSE: Duration = Duration::from_millis(2);

const TIMEOUT: Duration = Duration::from_secs(5);

impl Visitors {
    pub(crate) fn of(address: SocketAddr) -> Visitors {
        Visitors::begin(address, "/dynamic-config", [true, true, false, false])
    }

    /// Starts four clients that open a connection for each request of `/`.
    pub(crate) fn reconnecting(address: SocketAddr) -> Visitors {
        Visitors::begin(address, "/", [false; 4])
    }

    fn begin(address: SocketAddr, path: &'static str, keep: [bool; 4]) -> Visitors {
        let shared = Arc::new(Shared {
            address,
            path,
            over: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            last: Mutex::new((Instant::now(), Duration::ZERO)),
        });
        let threads = keep.map(|keeps| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.visit(keeps))
        });
        Visitors { shared, threads: threads.into() }
    }

    /// Ends the clients, each after its current request.
    pub(crate) fn end(mut self) -> Counts {
        self.stop();
        let silence = self.shared.last.lock().unwrap_or_else(PoisonError::into_inner).1;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts { answered: count(&self.shared.answered), failed: count(&self.shared.failed), silence }
    }

    fn stop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        for visitor in self.threads.drain(..) {
            let _ = visitor.join();
        }
    }
}

impl Drop for Visitors {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn visit(&self, keeps: bool) {
        let mut kept = None;
        while !self.over.load(Ordering::Relaxed) {
            let client = kept.take().map_or_else(|| Client::patient(self.address, TIMEOUT), Ok);
            match client.and_then(|client| ask(client, self.path)) {
                Ok(client) => {
                    kept = client.filter(|_| keeps);
                    self.was_answered();
                }
                Err(_) => {
                    self.failed.fetch_add(1, Ordering::Relaxed);
                }
            }
            sleep(PAUSE);
        }
    }

    fn was_answered(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let silence = last.0.elapsed();
        *last = (Instant::now(), last.1.max(silence));
    }
}

/// Sends one request. Returns the connection if the server keeps it.
fn ask(mut client: Client, path: &str) -> Result<Option<Client>, Failed> {
    let answer = client.get(path)?;
    if answer.status != 200 {
        return Err(format!("{}", answer.status).into());
    }
    let closes = answer.header("connection").is_some_and(|how| how.eq_ignore_ascii_case("close"));
    Ok((!closes).then_some(client))
}
