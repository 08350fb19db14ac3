//! The pauses between attempts that fail.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Pauses that double, each with a random part, so that many processes do not ask at the same moment.
#[derive(Default)]
pub(crate) struct Backoff {
    failures: u32,
}

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(3);

impl Backoff {
    /// The pause after one more failure.
    pub(crate) fn next(&mut self) -> Duration {
        let whole = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        jittered(whole)
    }

    /// An attempt has succeeded.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

/// Between one half and the whole of a time.
pub(crate) fn jittered(whole: Duration) -> Duration {
    // A new state has random keys.
    let random = RandomState::new().build_hasher().finish() % 1_000;
    whole / 2 + whole / 2 * u32::try_from(random).unwrap_or_default() / 1_000
}

#[cfg(test)]
mod tests {
    use super::{Backoff, FIRST, LONGEST};

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut backoff = Backoff::default();
        for failures in 0..200 {
            let whole = FIRST.saturating_mul(1 << failures.min(10)).min(LONGEST);
            let pause = backoff.next();
            assert!(pause >= whole / 2 && pause <= whole, "{failures}: {pause:?}");
        }
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}
