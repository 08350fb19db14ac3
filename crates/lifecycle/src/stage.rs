//! The stages of a drain, decided from time, orders and connections. No clock, no I/O.

use std::time::Duration;

use tokio::time::Instant;

/// The times of a drain. Both count from [`Drain::begin`](crate::Drain::begin).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainTimeouts {
    /// Time for which idle connections are kept. A client that sends a request meanwhile gets `Connection: close` in the answer
    /// instead of a reset. It should be longer than a client's pause between two requests.
    pub linger: Duration,
    /// When the connections that are left are cut.
    pub deadline: Duration,
}

impl Default for DrainTimeouts {
    /// One second of linger and ten until the deadline.
    fn default() -> DrainTimeouts {
        DrainTimeouts { linger: Duration::from_secs(1), deadline: Duration::from_secs(10) }
    }
}

/// A stage of a drain. A later one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The drain has not begun.
    Serving,
    /// Answers close their connections; idle connections are kept.
    Lingering,
    /// Nothing is accepted. Idle connections are closed, requests under way finish.
    Stopping,
    /// The connections that are left are cut.
    Cut,
}

/// The outcome of a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every connection ended by itself.
    Clean,
    /// This many connections were cut at the deadline.
    Cut(usize),
    /// This many connections were cut by [`Drain::force`](crate::Drain::force).
    Forced(usize),
}

impl Outcome {
    /// The outcome of two drains together.
    pub(crate) fn and(self, other: Outcome) -> Outcome {
        use Outcome::{Clean, Cut, Forced};
        match (self, other) {
            (Clean, outcome) | (outcome, Clean) => outcome,
            (Cut(a), Cut(b)) => Cut(a + b),
            (Cut(a) | Forced(a), Cut(b) | Forced(b)) => Forced(a + b),
        }
    }
}

/// The orders so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Orders {
    pub(crate) shared: bool,
    pub(crate) begun: Option<Instant>,
    pub(crate) forced: bool,
}

/// The stage that the orders have led to by `now`.
pub(crate) fn stage(timeouts: DrainTimeouts, orders: Orders, connected: usize, now: Instant) -> Stage {
    if orders.forced {
        return Stage::Cut;
    }
    let Some(begun) = orders.begun else { return Stage::Serving };
    let elapsed = now.saturating_duration_since(begun);
    if elapsed >= timeouts.deadline {
        Stage::Cut
    } else if elapsed >= timeouts.linger || (orders.shared && connected == 0) {
        Stage::Stopping
    } else {
        Stage::Lingering
    }
}

/// When the next stage begins, if no connection ends before.
pub(crate) fn next(timeouts: DrainTimeouts, orders: Orders, stage: Stage) -> Option<Instant> {
    let begun = orders.begun?;
    match stage {
        Stage::Serving | Stage::Cut => None,
        Stage::Lingering => Some(begun + timeouts.linger.min(timeouts.deadline)),
        Stage::Stopping => Some(begun + timeouts.deadline),
    }
}

/// The outcome of a drain that ends with this many connections.
pub(crate) fn outcome(orders: Orders, connected: usize) -> Outcome {
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

    use super::{DrainTimeouts, Orders, Outcome, Stage, next, outcome, stage};

    const TIMEOUTS: DrainTimeouts =
        DrainTimeouts { linger: Duration::from_secs(1), deadline: Duration::from_secs(10) };

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
            assert_eq!(
                stage(TIMEOUTS, orders, connected, now),
                expected,
                "{orders:?} {elapsed:?} {connected}"
            );
        }
    }

    #[test]
    fn a_deadline_before_the_end_of_the_linger_wins() {
        let timeouts = DrainTimeouts { linger: TIMEOUTS.deadline, deadline: TIMEOUTS.linger };
        let begun = Instant::now();
        let orders = Orders { shared: false, begun: Some(begun), forced: false };
        assert_eq!(stage(timeouts, orders, 1, begun + timeouts.deadline), Stage::Cut);
        assert_eq!(next(timeouts, orders, Stage::Lingering), Some(begun + timeouts.deadline));
    }

    #[test]
    fn the_connections_that_are_left_decide_the_outcome() {
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
}
