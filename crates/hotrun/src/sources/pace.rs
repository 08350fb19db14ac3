//! When a change is reported: at once, unless it is one of many.

use std::time::{Duration, Instant};

/// A report this soon after the last one is part of a burst, such as a checkout.
const BURST: Duration = Duration::from_millis(50);

/// The end of a burst is this long without a change.
const LULL: Duration = Duration::from_millis(20);

/// A burst is reported after this time even if it goes on.
const PATIENCE: Duration = Duration::from_millis(250);

#[derive(Debug, Default)]
pub(crate) struct Pace {
    reported: Option<Instant>,
}

impl Pace {
    /// When to report changes of which the first was heard at `first` and the latest at `latest`.
    pub(crate) fn due(&self, first: Instant, latest: Instant) -> Instant {
        let burst = self.reported.is_some_and(|reported| first.duration_since(reported) < BURST);
        if burst { (latest + LULL).min(first + PATIENCE) } else { first }
    }

    pub(crate) fn reported(&mut self, now: Instant) {
        self.reported = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Pace;

    /// Each row: when the last report was, the first change, the latest change, and when to report (in ms).
    #[test]
    fn the_first_change_is_reported_at_once_and_a_burst_when_it_is_over() {
        let rows = [
            ("the first ever", None, 1000, 1000, 1000),
            ("long after another", Some(500), 1000, 1000, 1000),
            ("right after another", Some(990), 1000, 1000, 1020),
            ("more of it", Some(990), 1000, 1100, 1120),
            ("no end of it", Some(990), 1000, 1240, 1250),
        ];
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        for (claim, reported, first, latest, due) in rows {
            let pace = Pace { reported: reported.map(at) };
            assert_eq!(pace.due(at(first), at(latest)), at(due), "{claim}");
        }
    }
}
