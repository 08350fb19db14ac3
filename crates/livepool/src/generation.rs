//! One pool of one set of settings, and the tasks that hold its connections.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once, OnceLock, Weak};
use std::time::Duration;

use configs::ReloadHandle;
use deadpool::Runtime;
use deadpool::managed::{Pool, PoolError, Timeouts};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::connection::Connection;
use crate::connector::{Connector, PATIENCE, PING, Phase, pauses};
use crate::error::Error;
use crate::runtime::runtime;
use crate::settings::Settings;

/// One pool of one set of settings.
pub(crate) struct Generation {
    pub(crate) number: u64,
    pub(crate) pool: Pool<Connector>,
    /// Its receivers are told when a checkout has ended, or the pool was replaced.
    checkouts: watch::Sender<Vec<Arc<Checkout>>>,
    reload: ReloadHandle,
    reconnecting: Once,
}

/// A task that holds a connection, or waits for one. The pool is not drained before it is gone.
#[derive(Default)]
struct Checkout {
    place: String,
    /// The time at which it got its connection.
    since: OnceLock<Instant>,
    is_leak: AtomicBool,
}

/// Ends a checkout when it is dropped.
pub(crate) struct CheckoutGuard {
    pub(crate) generation: Arc<Generation>,
    checkout: Arc<Checkout>,
}

impl Generation {
    pub(crate) fn new(number: u64, settings: Settings, reload: &ReloadHandle) -> Arc<Self> {
        let size = settings.pool_size.max(1);
        let pool = Pool::builder(Connector::new(number, settings)).max_size(size).runtime(Runtime::Tokio1);
        Arc::new(Self {
            number,
            pool: pool.build().expect("deadpool fails only for timeouts without a runtime"),
            checkouts: watch::Sender::default(),
            reload: reload.clone(),
            reconnecting: Once::new(),
        })
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.pool.manager().phase.borrow()
    }

    /// Takes a connection. If the server refuses new ones, waits for one of those that are there. `None`: the pool was
    /// replaced, so the next one has to be asked.
    pub(crate) async fn take(self: &Arc<Self>, place: &str) -> Option<Result<Connection, Error>> {
        let deadline = Instant::now() + PATIENCE;
        let guard = self.check_out(place);
        let mut ended = self.checkouts.subscribe();
        loop {
            ended.mark_unchanged();
            let wait = Some(deadline.saturating_duration_since(Instant::now()));
            let error = match self.pool.timeout_get(&Timeouts { wait, ..Timeouts::default() }).await {
                Ok(client) => {
                    guard.checkout.since.get_or_init(Instant::now);
                    return Some(Ok(Connection { client, guard }));
                }
                Err(PoolError::Backend(error)) => error,
                Err(_) => Error::Busy(self.pool.manager().settings.pool_size),
            };
            let is_last = matches!(error, Error::Busy(_)) || self.pool.status().size == 0;
            // After the size: a pool that is closed is empty before it says so.
            match self.phase() {
                Phase::Trial => {}
                Phase::InForce => self.reconnect(),
                Phase::Replaced | Phase::Cut => return None,
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

    /// The numbers of connections that tasks hold, and of those that no task holds.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let in_use = self.checkouts.borrow().iter().filter(|checkout| checkout.since.get().is_some()).count();
        (in_use, self.pool.status().size.saturating_sub(in_use))
    }

    /// Logs each connection that is out for longer than `limit`, once. Returns how many are new.
    pub(crate) fn find_leaks(&self, limit: Duration) -> u64 {
        let mut found = 0;
        for checkout in &*self.checkouts.borrow() {
            let is_late = checkout.since.get().is_some_and(|since| since.elapsed() >= limit);
            if is_late && !checkout.is_leak.swap(true, Ordering::Relaxed) {
                let (seconds, place) = (limit.as_secs_f64(), &checkout.place);
                tracing::warn!(
                    "a connection to the database is out for more than {seconds} s, taken at {place}"
                );
                found += 1;
            }
        }
        found
    }

    /// From now on failures are logged, and the background tries again.
    pub(crate) fn put_in_force(self: &Arc<Self>) {
        self.pool.manager().phase.send_replace(Phase::InForce);
        if self.pool.manager().failure.borrow().is_some() {
            self.reconnect();
        }
    }

    /// Connects in the background after a failure.
    pub(crate) fn reconnect(self: &Arc<Self>) {
        if let Ok(runtime) = runtime() {
            self.reconnecting.call_once(|| {
                runtime.spawn(reconnect(Arc::downgrade(self), self.pool.manager().failure.subscribe()));
            });
        }
    }

    /// Closes idle connections, and sends the tasks that wait to the next pool.
    pub(crate) fn replace(&self) {
        self.pool.manager().phase.send_replace(Phase::Replaced);
        self.pool.close();
        self.checkouts.send_modify(|_| ());
    }

    /// Waits until all connections are given back. At the deadline, and when the pool is cut before, it returns false.
    pub(crate) async fn drain(&self, deadline: Duration) -> bool {
        let (mut checkouts, mut phase) = (self.checkouts.subscribe(), self.pool.manager().phase.subscribe());
        tokio::select! {
            _ = checkouts.wait_for(Vec::is_empty) => return true,
            _ = phase.wait_for(|phase| *phase == Phase::Cut) => {}
            () = sleep(deadline) => self.cut("at the deadline"),
        }
        drop(phase);
        // Each connection has a receiver.
        let _ = timeout(2 * PING, self.pool.manager().phase.closed()).await;
        false
    }

    /// Cancels the queries of all connections and closes them.
    pub(crate) fn cut(&self, when: &str) {
        for checkout in self.checkouts.borrow().iter().filter(|checkout| checkout.since.get().is_some()) {
            tracing::warn!("a connection with old settings is cut {when}, taken at {}", checkout.place);
        }
        self.pool.manager().phase.send_replace(Phase::Cut);
    }

    fn check_out(self: &Arc<Self>, place: &str) -> CheckoutGuard {
        let checkout = Arc::new(Checkout { place: place.to_owned(), ..Checkout::default() });
        self.checkouts.send_if_modified(|checkouts| {
            checkouts.push(Arc::clone(&checkout));
            false
        });
        CheckoutGuard { generation: Arc::clone(self), checkout }
    }
}

impl Drop for CheckoutGuard {
    fn drop(&mut self) {
        // All that wait look again: the first of them may have given up.
        let is_other = |other: &Arc<Checkout>| !Arc::ptr_eq(other, &self.checkout);
        self.generation.checkouts.send_modify(|checkouts| checkouts.retain(is_other));
    }
}

/// After each failure, connects until that works, as long as the pool is there. Settings that were rejected are then read again.
async fn reconnect(pool: Weak<Generation>, mut failure: watch::Receiver<Option<Error>>) -> Option<()> {
    loop {
        let error = failure.wait_for(Option::is_some).await.ok()?.clone()?;
        let is_in_force = pool.upgrade()?.phase() != Phase::Trial;
        if is_in_force {
            tracing::warn!("the database: {error}; it is tried again");
        }
        for pause in pauses() {
            sleep(pause).await;
            if pool.upgrade()?.pool.manager().connect().await.is_ok() {
                break;
            }
        }
        if is_in_force {
            tracing::info!("the database answers again");
        } else {
            pool.upgrade()?.reload.reload();
        }
    }
}
