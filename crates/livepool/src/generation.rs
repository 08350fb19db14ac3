//! One pool of one set of settings, and the tasks that hold its connections.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Pool, PoolError, Timeouts};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::CancelToken;

use crate::connection::Connection;
use crate::connector::{Connections, Connector, cancel};
use crate::error::{Error, Kind};
use crate::runtime::LazyRuntime;
use crate::settings::{Options, Settings};

/// One pool of one set of settings.
pub(crate) struct Generation {
    pub(crate) number: u64,
    pub(crate) connector: Arc<Connector>,
    pool: Pool<Connections>,
    timeout: Duration,
    checkouts: Mutex<BTreeMap<u64, Checkout>>,
    next_checkout: AtomicU64,
    /// A checkout has ended, or the pool was replaced.
    returned: Notify,
    was_replaced: AtomicBool,
}

/// A task that holds a connection, or waits for one. The pool is not drained before it is gone.
struct Checkout {
    place: String,
    since: Instant,
    /// `None` while the task waits.
    cancel: Option<CancelToken>,
    is_leak: bool,
}

/// Ends a checkout when it is dropped.
pub(crate) struct CheckoutGuard {
    pub(crate) generation: Arc<Generation>,
    id: u64,
}

impl Generation {
    pub(crate) fn new(
        number: u64,
        settings: Settings,
        options: &Options,
        runtime: &Arc<LazyRuntime>,
    ) -> Arc<Self> {
        let size = settings.pool_size.max(1);
        let connector = Arc::new(Connector::new(number, settings, options, runtime));
        let pool = Pool::builder(Connections(Arc::clone(&connector))).max_size(size).runtime(Runtime::Tokio1);
        Arc::new(Self {
            number,
            connector,
            pool: pool.build().expect("deadpool fails only for timeouts without a runtime"),
            timeout: options.timeout,
            checkouts: Mutex::default(),
            next_checkout: AtomicU64::new(0),
            returned: Notify::new(),
            was_replaced: AtomicBool::new(false),
        })
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.connector.settings
    }

    /// Takes a connection. If the server refuses new ones, waits for one of those that are there. `None`: the pool was
    /// replaced, so the next one has to be asked.
    pub(crate) async fn take(self: &Arc<Self>, place: &str) -> Option<Result<Connection, Error>> {
        let deadline = Instant::now() + self.timeout;
        let guard = self.check_out(place);
        loop {
            let returned = self.returned.notified();
            let wait = Some(deadline.saturating_duration_since(Instant::now()));
            let error = match self.pool.timeout_get(&Timeouts { wait, ..Timeouts::default() }).await {
                Ok(client) => {
                    if let Some(checkout) = self.checkouts().get_mut(&guard.id) {
                        (checkout.since, checkout.cancel) = (Instant::now(), Some(client.cancel_token()));
                    }
                    return Some(Ok(Connection { client, guard }));
                }
                Err(PoolError::Backend(error)) => error,
                Err(_) => {
                    let size = self.settings().pool_size;
                    Error::new(Kind::Busy, format!("all {size} connections of the pool are in use"))
                }
            };
            let is_last = error.kind == Kind::Busy || self.pool.status().size == 0;
            // After the size: a pool that is closed is empty before it says so.
            if self.was_replaced.load(Ordering::SeqCst) {
                return None;
            }
            if is_last || timeout_at(deadline, returned).await.is_err() {
                return Some(Err(error));
            }
        }
    }

    /// Tries the settings: takes a connection, which sends a query, and gives it back.
    pub(crate) async fn try_out(self: &Arc<Self>) -> Result<(), Error> {
        // A pool that was replaced worked before.
        self.take("the trial of the settings").await.map_or(Ok(()), |taken| taken.map(drop))
    }

    /// True if tasks hold connections, or can get one.
    pub(crate) async fn works(self: &Arc<Self>) -> bool {
        self.counts().0 > 0 || self.try_out().await.is_ok()
    }

    /// The numbers of connections that tasks hold, and of those that no task holds.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let in_use = self.in_use();
        (in_use, self.pool.status().size.saturating_sub(in_use))
    }

    /// The number of connections that tasks hold.
    pub(crate) fn in_use(&self) -> usize {
        self.checkouts().values().filter(|checkout| checkout.cancel.is_some()).count()
    }

    /// Logs each connection that is out for longer than `limit`, once. Returns how many are new.
    pub(crate) fn find_leaks(&self, limit: Duration) -> u64 {
        let mut found = 0;
        for checkout in self.checkouts().values_mut() {
            let is_out = checkout.cancel.is_some() && checkout.since.elapsed() >= limit;
            if is_out && !checkout.is_leak {
                checkout.is_leak = true;
                found += 1;
                let (seconds, place) = (limit.as_secs_f64(), &checkout.place);
                tracing::warn!(
                    "a connection to the database is out for more than {seconds} s, taken at {place}"
                );
            }
        }
        found
    }

    /// Closes idle connections, and sends the tasks that wait to the next pool.
    pub(crate) fn replace(&self) {
        self.was_replaced.store(true, Ordering::SeqCst);
        self.pool.close();
        self.returned.notify_waiters();
    }

    /// Waits until all connections are given back. At the deadline cancels their queries and closes them; then it returns false.
    pub(crate) async fn drain(&self, deadline: Instant) -> bool {
        loop {
            let returned = self.returned.notified();
            if self.checkouts().is_empty() {
                self.connector.cut();
                return true;
            }
            if timeout_at(deadline, returned).await.is_err() {
                break;
            }
        }
        let left: Vec<_> = self
            .checkouts()
            .values()
            .filter_map(|held| Some((held.place.clone(), held.cancel.clone()?)))
            .collect();
        for (place, token) in left {
            tracing::warn!("a connection with old settings is cut at the deadline, taken at {place}");
            cancel(token).await;
        }
        self.connector.cut();
        false
    }

    fn check_out(self: &Arc<Self>, place: &str) -> CheckoutGuard {
        let id = self.next_checkout.fetch_add(1, Ordering::Relaxed);
        let checkout =
            Checkout { place: place.to_owned(), since: Instant::now(), cancel: None, is_leak: false };
        self.checkouts().insert(id, checkout);
        CheckoutGuard { generation: Arc::clone(self), id }
    }

    fn checkouts(&self) -> MutexGuard<'_, BTreeMap<u64, Checkout>> {
        self.checkouts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for CheckoutGuard {
    fn drop(&mut self) {
        self.generation.checkouts().remove(&self.id);
        // All that wait look again: the first of them may have given up.
        self.generation.returned.notify_waiters();
    }
}
