//! The limit on the requests that the process answers in a second.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock};

/// A limit with a burst of the same size; cheap to clone, and the clones share it.
#[derive(Clone)]
pub(crate) struct Limiter {
    per_second: NonZeroU32,
    limiter: Arc<DefaultDirectRateLimiter>,
}

impl Limiter {
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        Self { per_second, limiter: Arc::new(RateLimiter::direct(Quota::per_second(per_second))) }
    }

    /// The limiter for this rate (0 is off): `self` itself, with what was spent, if the rate is the same.
    pub(crate) fn adapted(current: Option<&Self>, per_second: u32) -> Option<Self> {
        let per_second = NonZeroU32::new(per_second)?;
        match current {
            Some(same) if same.per_second == per_second => Some(same.clone()),
            _ => Some(Self::new(per_second)),
        }
    }

    /// Takes one request's share.
    ///
    /// # Errors
    /// There is none left: the whole seconds, at least 1, until there is one again.
    pub(crate) fn take(&self) -> Result<(), u64> {
        self.limiter.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(governor::clock::DefaultClock::default().now());
            whole_seconds(wait)
        })
    }
}

fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Limiter, whole_seconds};

    #[test]
    fn a_burst_is_as_large_as_the_rate() {
        let limiter = Limiter::adapted(None, 3).unwrap();
        assert_eq!((0..4).map(|_| limiter.take().is_ok()).collect::<Vec<_>>(), [true, true, true, false]);
    }

    #[test]
    fn an_edit_that_keeps_the_rate_keeps_what_was_spent() {
        let spent = Limiter::adapted(None, 1).unwrap();
        spent.take().unwrap();
        assert!(Limiter::adapted(Some(&spent), 1).unwrap().take().is_err());
        assert!(Limiter::adapted(Some(&spent), 2).unwrap().take().is_ok());
        assert!(Limiter::adapted(Some(&spent), 0).is_none());
    }

    #[test]
    fn a_wait_is_rounded_up() {
        for (millis, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds);
        }
    }
}
