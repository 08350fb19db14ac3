//! Coalesces bursts of changes into one report.

use std::time::{Duration, Instant};

/// A change this soon after the last report is part of a burst, such as a checkout.
const BURST: Duration = Duration::from_millis(50);

/// Time without a change that ends a burst.
const QUIET: Duration = Duration::from_millis(20);

/// A burst that goes on is reported after this time.
const LONGEST: Duration = Duration::from_millis(250);

#[derive(Debug, Default)]
pub(crate) struct Coalescer {
    reported: Option<Instant>,
}

impl Coalescer {
    /// The time to report changes, by the times of the first and the latest one. It is at once, or at the end of a burst.
    pub(crate) fn due(&self, first: Instant, latest: Instant) -> Instant {
        let burst = self.reported.is_some_and(|reported| first.duration_since(reported) < BURST);
        if burst { (latest + QUIET).min(first + LONGEST) } else { first }
    }

    pub(crate) fn reported(&mut self, now: Instant) {
        self.reported = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Coalescer;

    /// Each row: when the last report was, the first change, the latest change, and when to report (in ms).
    #[test]
    fn a_single_change_is_reported_at_once_and_a_burst_at_its_end() {
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
            let coalescer = Coalescer { reported: reported.map(at) };
            assert_eq!(coalescer.due(at(first), at(latest)), at(due), "{claim}");
        }
    }
}
