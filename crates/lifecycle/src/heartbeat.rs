//! The heartbeats of a process on probation.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

/// Interval between two heartbeats of a process on probation.
pub(crate) const PERIOD: Duration = Duration::from_secs(1);

/// A heartbeat.
pub(crate) const ALIVE: &str = "ALIVE=1";

/// Heartbeats that may be missing in a row. They are counted in ticks instead of seconds, so that a machine that was
/// suspended misses none.
const MISSES: u32 = 5;

/// Counts the heartbeats that are missing. It starts with the first one: older programs send none.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    began: bool,
    missed: u32,
    ticks: Interval,
}

impl Heartbeat {
    /// The longest silence of a process that lives.
    pub(crate) const SILENCE: Duration = Duration::from_secs(PERIOD.as_secs() * MISSES as u64);

    /// Must be called on a tokio runtime.
    pub(crate) fn new() -> Heartbeat {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Heartbeat { began: false, missed: 0, ticks }
    }

    /// The process sent this line. Any line shows that it lives.
    pub(crate) fn heard(&mut self, line: &str) {
        self.began |= line == ALIVE;
        self.missed = 0;
    }

    /// Resolves when too many heartbeats are missing. Cancelling it loses nothing.
    pub(crate) async fn stopped(&mut self) {
        while !self.began || self.missed < MISSES {
            self.ticks.tick().await;
            self.missed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, sleep, timeout};

    use super::{ALIVE, Heartbeat, PERIOD};

    #[tokio::test(start_paused = true)]
    async fn a_process_that_falls_silent_is_given_up() {
        let mut heartbeat = Heartbeat::new();
        heartbeat.heard(ALIVE);
        let since = Instant::now();
        // The wait is cancelled and begun again, as in a loop where other things happen.
        while timeout(PERIOD / 3, heartbeat.stopped()).await.is_err() {}
        let silence = since.elapsed();
        assert!(silence >= 4 * PERIOD && silence <= 5 * PERIOD, "{silence:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_sends_heartbeats_is_not_given_up() {
        let mut heartbeat = Heartbeat::new();
        for _ in 0..100 {
            heartbeat.heard(ALIVE);
            assert!(timeout(3 * PERIOD, heartbeat.stopped()).await.is_err());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_never_sent_one_is_not_given_up() {
        let mut heartbeat = Heartbeat::new();
        heartbeat.heard("SERVING=1");
        assert!(timeout(100 * PERIOD, heartbeat.stopped()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_the_machine_was_suspended_counts_as_one_tick() {
        let mut heartbeat = Heartbeat::new();
        heartbeat.heard(ALIVE);
        sleep(Duration::from_hours(1)).await;
        assert!(timeout(2 * PERIOD, heartbeat.stopped()).await.is_err());
    }
}
