//! One pool of one set of settings, and the tasks that hold its connections.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Pool, PoolError, Timeouts};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout_at};
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
    /// Its receivers are told when a checkout has ended, or the pool was replaced.
    checkouts: watch::Sender<BTreeMap<u64, Checkout>>,
    was_replaced: AtomicBool,
    end_drain: Notify,
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
            checkouts: watch::Sender::default(),
            was_replaced: AtomicBool::new(false),
            end_drain: Notify::new(),
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
        let mut ended = self.checkouts.subscribe();
        loop {
            ended.mark_unchanged();
            let wait = Some(deadline.saturating_duration_since(Instant::now()));
            let error = match self.pool.timeout_get(&Timeouts { wait, ..Timeouts::default() }).await {
                Ok(client) => {
                    let cancel = Some(client.cancel_token());
                    self.update(|checkouts| {
                        if let Some(checkout) = checkouts.get_mut(&guard.id) {
                            (checkout.since, checkout.cancel) = (Instant::now(), cancel);
                        }
                    });
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
            if is_last || timeout_at(deadline, ended.changed()).await.is_err() {
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
        self.checkouts.borrow().values().filter(|checkout| checkout.cancel.is_some()).count()
    }

    /// Logs each connection that is out for longer than `limit`, once. Returns how many are new.
    pub(crate) fn find_leaks(&self, limit: Duration) -> u64 {
        let is_new = |checkout: &&mut Checkout| {
            checkout.cancel.is_some() && checkout.since.elapsed() >= limit && !checkout.is_leak
        };
        self.update(|checkouts| {
            let leaks = checkouts.values_mut().filter(is_new).map(|leak| {
                leak.is_leak = true;
                let (seconds, place) = (limit.as_secs_f64(), &leak.place);
                tracing::warn!(
                    "a connection to the database is out for more than {seconds} s, taken at {place}"
                );
            });
            leaks.map(|()| 1).sum()
        })
    }

    /// Closes idle connections, and sends the tasks that wait to the next pool.
    pub(crate) fn replace(&self) {
        self.was_replaced.store(true, Ordering::SeqCst);
        self.pool.close();
        self.checkouts.send_modify(|_| ());
    }

    /// Ends the drain at once.
    pub(crate) fn end_drain(&self) {
        self.end_drain.notify_one();
    }

    /// Waits until all connections are given back. At the deadline cancels their queries and closes them; then it returns false.
    pub(crate) async fn drain(&self, deadline: Duration) -> bool {
        let mut checkouts = self.checkouts.subscribe();
        let when = tokio::select! {
            _ = checkouts.wait_for(BTreeMap::is_empty) => {
                self.connector.cut();
                return true;
            }
            () = sleep(deadline) => "at the deadline",
            () = self.end_drain.notified() => "before the deadline, since two newer pools are drained",
        };
        let held = |checkout: &Checkout| Some((checkout.place.clone(), checkout.cancel.clone()?));
        let left: Vec<_> = self.checkouts.borrow().values().filter_map(held).collect();
        for (place, token) in left {
            tracing::warn!("a connection with old settings is cut {when}, taken at {place}");
            cancel(token).await;
        }
        self.connector.cut();
        false
    }

    fn check_out(self: &Arc<Self>, place: &str) -> CheckoutGuard {
        let checkout =
            Checkout { place: place.to_owned(), since: Instant::now(), cancel: None, is_leak: false };
        let id = self.update(|checkouts| {
            let id = checkouts.last_key_value().map_or(0, |(last, _)| last + 1);
            checkouts.insert(id, checkout);
            id
        });
        CheckoutGuard { generation: Arc::clone(self), id }
    }

    /// Changes the checkouts without a word to those that wait.
    fn update<R>(&self, change: impl FnOnce(&mut BTreeMap<u64, Checkout>) -> R) -> R {
        let mut result = None;
        self.checkouts.send_if_modified(|checkouts| {
            result = Some(change(checkouts));
            false
        });
        result.expect("the change was made")
    }
}

impl Drop for CheckoutGuard {
    fn drop(&mut self) {
        // All that wait look again: the first of them may have given up.
        self.generation.checkouts.send_modify(|checkouts| drop(checkouts.remove(&self.id)));
    }
}
