//! When is it time to read? Signs and a clock in, a decision out.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Stands for every path there is.
pub(crate) const EVERYTHING: &str = "";

/// Which paths are under suspicion, and since when.
#[derive(Debug)]
pub(crate) struct Settle {
    quiet: Duration,
    patience: Duration,
    suspects: HashMap<PathBuf, Suspicion>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Suspicion {
    /// Its bytes did not change, but look again.
    Glance,
    /// Its writer is done.
    Committed,
    /// Its writer may not be done.
    Dirty { first: Instant, last: Instant },
}

/// What to do at this moment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Nothing is under suspicion.
    Rest,
    /// Something is, but not before this moment.
    Until(Instant),
    /// Read everything that is under suspicion.
    Read,
}

/// What has come under suspicion; the value is whether it was quiet for so long that even an empty file is meant.
pub(crate) type Suspects = HashMap<PathBuf, bool>;

impl Settle {
    /// Reads after `quiet` without a modification, or, while they go on, after `patience`.
    pub(crate) fn new(quiet: Duration, patience: Duration) -> Self {
        Self { quiet, patience: patience.max(quiet), suspects: HashMap::new() }
    }

    /// The bytes at `path` are as before, as far as one knows: look, but nothing that was read becomes invalid.
    pub(crate) fn glance(&mut self, path: &Path) {
        if !self.suspects.contains_key(path) {
            self.suspects.insert(path.to_owned(), Suspicion::Glance);
        }
    }

    /// Whoever wrote at `path` is done.
    pub(crate) fn commit(&mut self, path: &Path) {
        self.suspects.insert(path.to_owned(), Suspicion::Committed);
    }

    /// Something changed at `path`, and more may follow.
    pub(crate) fn dirty(&mut self, path: &Path, now: Instant) {
        let first = match self.suspects.get(path) {
            Some(Suspicion::Dirty { first, .. }) => *first,
            _ => now,
        };
        self.suspects.insert(path.to_owned(), Suspicion::Dirty { first, last: now });
    }

    /// Whether anything that was read before may have changed since.
    pub(crate) fn is_disturbed(&self) -> bool {
        self.suspects.values().any(|suspicion| *suspicion != Suspicion::Glance)
    }

    /// All that is under suspicion is read together, so the one that needs the most time decides.
    pub(crate) fn decide(&self, now: Instant) -> Decision {
        let due = self.suspects.values().filter_map(|suspicion| self.due(*suspicion)).max();
        match due {
            _ if self.suspects.is_empty() => Decision::Rest,
            Some(due) if due > now => Decision::Until(due),
            _ => Decision::Read,
        }
    }

    /// Hands over all suspects, and starts afresh.
    pub(crate) fn take(&mut self, now: Instant) -> Suspects {
        let suspects = std::mem::take(&mut self.suspects);
        let settled = |suspicion| self.due(suspicion).is_some_and(|due| due <= now);
        suspects.into_iter().map(|(path, suspicion)| (path, settled(suspicion))).collect()
    }

    fn due(&self, suspicion: Suspicion) -> Option<Instant> {
        match suspicion {
            Suspicion::Glance | Suspicion::Committed => None,
            Suspicion::Dirty { first, last } => Some((last + self.quiet).min(first + self.patience)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, Settle};
    use std::path::Path;
    use std::time::{Duration, Instant};

    const QUIET: u64 = 150;
    const PATIENCE: u64 = 2000;

    #[derive(Clone, Copy)]
    enum Act {
        Glance(&'static str),
        Commit(&'static str),
        Dirty(&'static str),
        Take,
    }
    use Act::{Commit, Dirty, Glance, Take};

    type Row = (&'static str, &'static [(u64, Act)], u64, Option<u64>);

    /// Each row: what happened (when, in ms), the moment of asking, and the decision: `None` rest, `Some(ms)` when to read.
    #[test]
    fn it_is_time_to_read_when_the_writer_is_done_or_all_is_quiet() {
        let rows: &[Row] = &[
            ("nothing happened", &[], 0, None),
            ("a commit is read at once", &[(5, Commit("a"))], 5, Some(5)),
            ("a write waits for quiet", &[(5, Dirty("a"))], 5, Some(155)),
            ("each write starts the quiet again", &[(5, Dirty("a")), (100, Dirty("a"))], 100, Some(250)),
            ("a commit ends the wait", &[(5, Dirty("a")), (9, Commit("a"))], 9, Some(9)),
            ("a write after the commit waits again", &[(5, Commit("a")), (9, Dirty("a"))], 9, Some(159)),
            ("another's commit does not end it", &[(5, Dirty("a")), (9, Commit("b"))], 9, Some(155)),
            ("a glance does not wait", &[(5, Glance("a"))], 5, Some(5)),
            ("a glance does not end the wait", &[(5, Dirty("a")), (9, Glance("a"))], 9, Some(155)),
            ("a glance does not undo a commit", &[(5, Commit("a")), (6, Glance("a"))], 9, Some(9)),
            ("when it is over it is over", &[(5, Dirty("a")), (200, Take)], 200, None),
        ];
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        for (claim, acts, now, expected) in rows {
            let mut settle = Settle::new(Duration::from_millis(QUIET), Duration::from_millis(PATIENCE));
            for (when, act) in *acts {
                match act {
                    Glance(path) => settle.glance(Path::new(path)),
                    Commit(path) => settle.commit(Path::new(path)),
                    Dirty(path) => settle.dirty(Path::new(path), at(*when)),
                    Take => drop(settle.take(at(*when))),
                }
            }
            let expected = match expected {
                None => Decision::Rest,
                Some(ms) if ms <= now => Decision::Read,
                Some(ms) => Decision::Until(at(*ms)),
            };
            assert_eq!(settle.decide(at(*now)), expected, "{claim}");
        }
    }

    #[test]
    fn endless_writing_is_read_when_patience_is_over() {
        let start = Instant::now();
        let mut settle = Settle::new(Duration::from_millis(QUIET), Duration::from_millis(PATIENCE));
        for ms in (0..=PATIENCE).step_by(100) {
            settle.dirty(Path::new("a"), start + Duration::from_millis(ms));
        }
        assert_eq!(settle.decide(start + Duration::from_millis(PATIENCE)), Decision::Read);
        assert_eq!(
            settle.decide(start + Duration::from_millis(PATIENCE - 1)),
            Decision::Until(start + Duration::from_millis(PATIENCE))
        );
    }

    #[test]
    fn only_quiet_settles_and_only_a_glance_disturbs_nothing() {
        let start = Instant::now();
        let mut settle = Settle::new(Duration::from_millis(QUIET), Duration::from_millis(PATIENCE));
        settle.glance(Path::new("glance"));
        assert!(!settle.is_disturbed());
        settle.commit(Path::new("commit"));
        assert!(settle.is_disturbed());
        settle.dirty(Path::new("dirty"), start);
        let taken = settle.take(start + Duration::from_millis(QUIET));
        assert!(taken[Path::new("dirty")]);
        assert!(!taken[Path::new("commit")]);
        assert!(!taken[Path::new("glance")]);
        assert!(!settle.is_disturbed());
    }
}
