//! The signs of life of a process on probation.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often a process on probation gives a sign of life.
pub(crate) const PULSE: Duration = Duration::from_secs(1);

/// A sign of life.
pub(crate) const ALIVE: &str = "ALIVE=1";

/// After so many missing signs of life a successor on probation is taken for dead. They are counted instead of the time
/// they take: a machine that was asleep has no reproach to make.
const MISSES: u32 = 5;

/// The signs of life that a successor gives. One from before there were any gives none, and none are missed.
#[derive(Debug)]
pub(crate) struct Signs {
    given: bool,
    missed: u32,
    next: Interval,
}

impl Signs {
    /// How long a silence is too long.
    pub(crate) const SILENCE: Duration = Duration::from_secs(PULSE.as_secs() * MISSES as u64);

    /// Nothing was heard yet. Must be called on a tokio runtime.
    pub(crate) fn none_yet() -> Signs {
        let mut next = interval(PULSE);
        next.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Signs { given: false, missed: 0, next }
    }

    /// It said this.
    pub(crate) fn heard(&mut self, line: &str) {
        self.given |= line == ALIVE;
        self.missed = 0;
    }

    /// Resolves when too many are missing. Cancelling it loses nothing.
    pub(crate) async fn ceased(&mut self) {
        while !self.given || self.missed < MISSES {
            self.next.tick().await;
            self.missed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, sleep, timeout};

    use super::{ALIVE, PULSE, Signs};

    #[tokio::test(start_paused = true)]
    async fn who_was_heard_and_falls_silent_is_given_up() {
        let mut signs = Signs::none_yet();
        signs.heard(ALIVE);
        let since = Instant::now();
        // Asked anew all the time, as in a loop where other things happen.
        while timeout(PULSE / 3, signs.ceased()).await.is_err() {}
        let silence = since.elapsed();
        assert!(silence >= 4 * PULSE && silence <= 5 * PULSE, "{silence:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_on_giving_signs_is_not() {
        let mut signs = Signs::none_yet();
        for _ in 0..100 {
            signs.heard(ALIVE);
            assert!(timeout(3 * PULSE, signs.ceased()).await.is_err());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_gave_one_is_not_missed() {
        let mut signs = Signs::none_yet();
        signs.heard("SERVING=1");
        assert!(timeout(100 * PULSE, signs.ceased()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn time_that_nobody_had_counts_once() {
        let mut signs = Signs::none_yet();
        signs.heard(ALIVE);
        // The machine was asleep: every tick of it is due at once.
        sleep(Duration::from_hours(1)).await;
        assert!(timeout(2 * PULSE, signs.ceased()).await.is_err());
    }
}
