//! The pauses between attempts.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Pauses that double from 100 ms to 5 s. Each is drawn from the upper half of its range, so that servers that lost one
/// database do not come back to it at the same moment.
pub(crate) struct Backoff(Duration);

impl Backoff {
    pub(crate) fn new() -> Self {
        Self(FIRST)
    }

    pub(crate) async fn pause(&mut self) {
        let half = self.0 / 2;
        self.0 = (self.0 * 2).min(LONGEST);
        // Each `RandomState` has keys of its own.
        let drawn = RandomState::new().hash_one(0) >> 32;
        tokio::time::sleep(
            half + half.mul_f64(f64::from(u32::try_from(drawn).unwrap_or(0)) / f64::from(u32::MAX)),
        )
        .await;
    }
}
