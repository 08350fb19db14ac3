//! The order in which a server ends.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use crate::figures;

/// How long a drain may take. Both spans count from [`Drain::begin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long idle connections are kept, so that their clients hear `Connection: close` in an answer
    /// instead of finding the connection gone. It should be longer than a client's pause between two
    /// requests.
    pub linger: Duration,
    /// When everything left is cut.
    pub deadline: Duration,
}

impl Default for Terms {
    /// One second of linger and ten until the deadline.
    fn default() -> Terms {
        Terms { linger: Duration::from_secs(1), deadline: Duration::from_secs(10) }
    }
}

/// The order of a lame duck's end, shared by everyone who takes part in it. Cheap to clone.
///
/// It holds no timer and no task of its own: whoever waits on it brings the runtime.
#[derive(Clone, Debug)]
pub struct Drain {
    shared: Arc<State>,
}

#[derive(Debug)]
struct State {
    terms: Terms,
    orders: watch::Sender<Orders>,
    connected: AtomicUsize,
    nobody: Notify,
    outcome: OnceLock<Outcome>,
}

/// What was decided from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Orders {
    shared: bool,
    begun: Option<Instant>,
    forced: bool,
}

/// Where a server is in its end. Later is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Nothing has begun.
    Serving,
    /// Answers close their connections; idle connections are kept.
    Lingering,
    /// Nothing is accepted, idle connections are closed, requests under way finish.
    Stopping,
    /// What is left is cut.
    Cut,
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every connection ended by itself.
    Clean,
    /// So many connections were cut at the deadline.
    Cut(usize),
    /// So many connections were cut by [`Drain::force`].
    Forced(usize),
}

impl Drain {
    /// A drain that has not begun. `shared` says that another process holds the listener too: then
    /// accepting stops at once when the drain begins, else it goes on through the linger.
    pub fn new(terms: Terms, shared: bool) -> Drain {
        let orders = Orders { shared, begun: None, forced: false };
        Drain {
            shared: Arc::new(State {
                terms,
                orders: watch::Sender::new(orders),
                connected: AtomicUsize::new(0),
                nobody: Notify::new(),
                outcome: OnceLock::new(),
            }),
        }
    }

    /// The spans that this drain keeps.
    pub fn terms(&self) -> Terms {
        self.shared.terms
    }

    /// The listener was handed on: from now on another process accepts on it too.
    pub fn share(&self) {
        self.change(|orders| orders.shared = true);
    }

    /// Whether another process holds the listener too.
    pub fn is_shared(&self) -> bool {
        self.shared.orders.borrow().shared
    }

    /// Begins the drain. Beginning again changes nothing.
    pub fn begin(&self) {
        let now = Instant::now();
        self.change(|orders| orders.begun = orders.begun.or(Some(now)));
    }

    /// Cuts everything now; a drain that has not begun is over, without having been one.
    pub fn force(&self) {
        self.change(|orders| orders.forced = true);
    }

    /// Whether the drain has begun, or is over.
    pub fn is_draining(&self) -> bool {
        let orders = self.shared.orders.borrow();
        orders.begun.is_some() || orders.forced
    }

    /// Where the server is in its end, now.
    pub fn stage(&self) -> Stage {
        let orders = *self.shared.orders.borrow();
        stage(self.shared.terms, orders, self.connections(), Instant::now())
    }

    /// Resolves when the drain begins.
    pub async fn begun(&self) {
        self.reached(|stage, _| stage >= Stage::Lingering).await;
    }

    /// Resolves when accepting must end: as soon as the drain begins on a shared listener, after the linger
    /// on one's own.
    pub async fn last_call(&self) {
        self.reached(|stage, orders| stage >= if orders.shared { Stage::Lingering } else { Stage::Stopping })
            .await;
    }

    /// Resolves when the linger is over: idle connections may be closed. On a shared listener that is
    /// earlier when nothing is connected.
    pub async fn lingered(&self) {
        self.reached(|stage, _| stage >= Stage::Stopping).await;
    }

    /// Resolves at the deadline, or when the drain is forced: what is left has to go.
    pub async fn cut(&self) {
        self.reached(|stage, _| stage == Stage::Cut).await;
    }

    /// Counts a connection until the guard is dropped.
    #[must_use = "the connection counts as long as the guard lives"]
    pub fn connection(&self) -> Connected {
        self.shared.connected.fetch_add(1, Ordering::SeqCst);
        figures::connected();
        Connected { drain: self.clone() }
    }

    /// The connections open now.
    pub fn connections(&self) -> usize {
        self.shared.connected.load(Ordering::SeqCst)
    }

    /// Declares the end and says how it went: the connections that are open now are the ones cut. The first
    /// call decides, and counts in the figures if the drain had begun; later ones repeat it.
    pub fn settle(&self) -> Outcome {
        *self.shared.outcome.get_or_init(|| {
            let orders = *self.shared.orders.borrow();
            let outcome = outcome(orders, self.connections());
            if orders.begun.is_some() {
                figures::drained(outcome);
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
            let stage = stage(self.shared.terms, orders, self.connections(), now);
            if far_enough(stage, orders) {
                return;
            }
            let next = next(self.shared.terms, orders, stage);
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
        figures::disconnected();
        let before = self.drain.shared.connected.fetch_sub(1, Ordering::SeqCst);
        if before == 1 {
            self.drain.shared.nobody.notify_waiters();
        }
    }
}

fn stage(terms: Terms, orders: Orders, connected: usize, now: Instant) -> Stage {
    if orders.forced {
        return Stage::Cut;
    }
    let Some(begun) = orders.begun else { return Stage::Serving };
    let elapsed = now.saturating_duration_since(begun);
    if elapsed >= terms.deadline {
        Stage::Cut
    } else if elapsed >= terms.linger || (orders.shared && connected == 0) {
        Stage::Stopping
    } else {
        Stage::Lingering
    }
}

/// When time alone leads to a later stage.
fn next(terms: Terms, orders: Orders, stage: Stage) -> Option<Instant> {
    let begun = orders.begun?;
    match stage {
        Stage::Serving | Stage::Cut => None,
        Stage::Lingering => Some(begun + terms.linger.min(terms.deadline)),
        Stage::Stopping => Some(begun + terms.deadline),
    }
}

fn outcome(orders: Orders, connected: usize) -> Outcome {
    match (orders.forced, connected) {
        (true, cut) => Outcome::Forced(cut),
        (false, 0) => Outcome::Clean,
        (false, cut) => Outcome::Cut(cut),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Drain, Orders, Outcome, Stage, Terms, next, outcome, stage};

    const TERMS: Terms = Terms { linger: Duration::from_secs(1), deadline: Duration::from_secs(10) };

    #[test]
    fn time_orders_and_connections_decide_the_stage() {
        let own = Orders { shared: false, begun: None, forced: false };
        let shared = Orders { shared: true, ..own };
        let begun = Instant::now();
        for (orders, elapsed, connected, expected) in [
            (own, None, 0, Stage::Serving),
            (shared, None, 0, Stage::Serving),
            (own, Some(0), 0, Stage::Lingering),
            (own, Some(999), 5, Stage::Lingering),
            (own, Some(1000), 5, Stage::Stopping),
            (own, Some(9999), 5, Stage::Stopping),
            (own, Some(10_000), 5, Stage::Cut),
            (shared, Some(0), 5, Stage::Lingering),
            (shared, Some(0), 0, Stage::Stopping),
            (shared, Some(1000), 5, Stage::Stopping),
            (shared, Some(10_000), 0, Stage::Cut),
            (Orders { forced: true, ..own }, Some(0), 5, Stage::Cut),
            (Orders { forced: true, ..own }, None, 5, Stage::Cut),
        ] {
            let orders = Orders { begun: elapsed.map(|_| begun), ..orders };
            let now = begun + Duration::from_millis(elapsed.unwrap_or(60_000));
            assert_eq!(stage(TERMS, orders, connected, now), expected, "{orders:?} {elapsed:?} {connected}");
        }
    }

    #[test]
    fn a_deadline_before_the_end_of_the_linger_wins() {
        let terms = Terms { linger: TERMS.deadline, deadline: TERMS.linger };
        let begun = Instant::now();
        let orders = Orders { shared: false, begun: Some(begun), forced: false };
        assert_eq!(stage(terms, orders, 1, begun + terms.deadline), Stage::Cut);
        assert_eq!(next(terms, orders, Stage::Lingering), Some(begun + terms.deadline));
    }

    #[test]
    fn what_is_left_names_the_outcome() {
        let orders = Orders { shared: false, begun: Some(Instant::now()), forced: false };
        let forced = Orders { forced: true, ..orders };
        for (orders, connected, expected) in [
            (orders, 0, Outcome::Clean),
            (orders, 3, Outcome::Cut(3)),
            (forced, 0, Outcome::Forced(0)),
            (forced, 3, Outcome::Forced(3)),
        ] {
            assert_eq!(outcome(orders, connected), expected);
        }
    }

    #[test]
    fn the_first_to_settle_decides() {
        let drain = Drain::new(TERMS, false);
        let connection = drain.connection();
        drain.begin();
        assert_eq!(drain.settle(), Outcome::Cut(1));
        drop(connection);
        assert_eq!(drain.settle(), Outcome::Cut(1));
        assert_eq!(drain.connections(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_in_the_order_of_the_stages() {
        let drain = Drain::new(TERMS, false);
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
        let drain = Drain::new(TERMS, true);
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
