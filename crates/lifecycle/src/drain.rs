//! The drain of one listener.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use crate::process_stats;
use crate::stage::{DrainTimeouts, Orders, Outcome, Stage, next, outcome, stage};

/// The drain of one listener: the acceptor, its connections and the main loop share it. Cheap to clone.
///
/// It has no timer and no task of its own. A task that waits on it needs a tokio runtime.
#[derive(Clone, Debug)]
pub struct Drain {
    shared: Arc<State>,
}

#[derive(Debug)]
struct State {
    timeouts: DrainTimeouts,
    orders: watch::Sender<Orders>,
    connected: AtomicUsize,
    nobody: Notify,
    outcome: OnceLock<Outcome>,
}

impl Drain {
    /// A drain that has not begun. With `shared` another process holds the listener too. Then accepting stops as soon as
    /// the drain begins; otherwise it goes on through the linger.
    pub fn new(timeouts: DrainTimeouts, shared: bool) -> Drain {
        let orders = Orders { shared, begun: None, forced: false };
        Drain {
            shared: Arc::new(State {
                timeouts,
                orders: watch::Sender::new(orders),
                connected: AtomicUsize::new(0),
                nobody: Notify::new(),
                outcome: OnceLock::new(),
            }),
        }
    }

    /// The timeouts of this drain.
    pub fn timeouts(&self) -> DrainTimeouts {
        self.shared.timeouts
    }

    /// Says that from now on another process accepts on the listener too.
    pub fn share(&self) {
        self.change(|orders| orders.shared = true);
    }

    /// True if another process holds the listener too.
    pub fn is_shared(&self) -> bool {
        self.shared.orders.borrow().shared
    }

    /// Begins the drain. Beginning again changes nothing.
    pub fn begin(&self) {
        let now = Instant::now();
        self.change(|orders| orders.begun = orders.begun.or(Some(now)));
    }

    /// Cuts every connection now. If the drain had not begun, it does not count as one.
    pub fn force(&self) {
        self.change(|orders| orders.forced = true);
    }

    /// True if the drain has begun, or is over.
    pub fn is_draining(&self) -> bool {
        let orders = self.shared.orders.borrow();
        orders.begun.is_some() || orders.forced
    }

    /// The stage of the drain, now.
    pub fn stage(&self) -> Stage {
        let orders = *self.shared.orders.borrow();
        stage(self.shared.timeouts, orders, self.connections(), Instant::now())
    }

    /// Resolves when the drain begins.
    pub async fn begun(&self) {
        self.reached(|stage, _| stage >= Stage::Lingering).await;
    }

    /// Resolves when accepting must end: on a shared listener as soon as the drain begins, otherwise after the linger.
    pub async fn last_call(&self) {
        self.reached(|stage, orders| stage >= if orders.shared { Stage::Lingering } else { Stage::Stopping })
            .await;
    }

    /// Resolves when the linger is over and idle connections may be closed. On a shared listener it is over as soon as
    /// nothing is connected.
    pub async fn lingered(&self) {
        self.reached(|stage, _| stage >= Stage::Stopping).await;
    }

    /// Resolves at the deadline, or when the drain is forced. Then the rest is cut.
    pub async fn cut(&self) {
        self.reached(|stage, _| stage == Stage::Cut).await;
    }

    /// Counts a connection until the guard is dropped.
    #[must_use = "the connection counts as long as the guard lives"]
    pub fn connection(&self) -> Connected {
        self.shared.connected.fetch_add(1, Ordering::SeqCst);
        process_stats::connection_opened();
        Connected { drain: self.clone() }
    }

    /// The connections open now.
    pub fn connections(&self) -> usize {
        self.shared.connected.load(Ordering::SeqCst)
    }

    /// Ends the drain. The connections that are open now count as cut. The first call decides the outcome, and counts it in
    /// [`process_stats`](crate::process_stats()) if the drain had begun. Later calls return the same outcome.
    pub fn settle(&self) -> Outcome {
        *self.shared.outcome.get_or_init(|| {
            let orders = *self.shared.orders.borrow();
            let outcome = outcome(orders, self.connections());
            if orders.begun.is_some() {
                process_stats::drain_ended(outcome);
            }
            outcome
        })
    }

    fn change(&self, change: impl FnOnce(&mut Orders)) {
        self.shared.orders.send_if_modified(|orders| {
            let before = *orders;
            change(orders);
            before != *orders
        });
    }

    async fn reached(&self, far_enough: impl Fn(Stage, Orders) -> bool) {
        let mut changes = self.shared.orders.subscribe();
        loop {
            let nobody = self.shared.nobody.notified();
            tokio::pin!(nobody);
            nobody.as_mut().enable();
            let orders = *changes.borrow_and_update();
            let now = Instant::now();
            let stage = stage(self.shared.timeouts, orders, self.connections(), now);
            if far_enough(stage, orders) {
                return;
            }
            let next = next(self.shared.timeouts, orders, stage);
            tokio::select! {
                _ = changes.changed() => {}
                () = nobody => {}
                () = sleep_until(next.unwrap_or(now)), if next.is_some() => {}
            }
        }
    }
}

/// One open connection, counted by [`Drain::connection`].
#[derive(Debug)]
pub struct Connected {
    drain: Drain,
}

impl Drop for Connected {
    fn drop(&mut self) {
        process_stats::connection_closed();
        let before = self.drain.shared.connected.fetch_sub(1, Ordering::SeqCst);
        if before == 1 {
            self.drain.shared.nobody.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Drain, DrainTimeouts, Outcome, Stage};

    const TIMEOUTS: DrainTimeouts =
        DrainTimeouts { linger: Duration::from_secs(1), deadline: Duration::from_secs(10) };

    #[test]
    fn the_first_end_decides_the_outcome() {
        let drain = Drain::new(TIMEOUTS, false);
        let connection = drain.connection();
        drain.begin();
        assert_eq!(drain.settle(), Outcome::Cut(1));
        drop(connection);
        assert_eq!(drain.settle(), Outcome::Cut(1));
        assert_eq!(drain.connections(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_in_the_order_of_the_stages() {
        let drain = Drain::new(TIMEOUTS, false);
        let started = Instant::now();
        let _connection = drain.connection();
        let beginner = drain.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            beginner.begin();
            beginner.begin();
        });
        drain.begun().await;
        assert_eq!(started.elapsed().as_secs(), 5);
        drain.last_call().await;
        assert_eq!(started.elapsed().as_secs(), 6);
        drain.lingered().await;
        assert_eq!(started.elapsed().as_secs(), 6);
        drain.cut().await;
        assert_eq!(started.elapsed().as_secs(), 15);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_connection_ends_the_linger_of_a_shared_listener() {
        let drain = Drain::new(TIMEOUTS, true);
        let connection = drain.connection();
        drain.begin();
        drain.last_call().await;
        assert_eq!(drain.stage(), Stage::Lingering);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            drop(connection);
        });
        let since = Instant::now();
        drain.lingered().await;
        assert_eq!(since.elapsed().as_millis(), 300);
    }
}
