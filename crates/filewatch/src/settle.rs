//! When to read: events and a clock go in, a decision comes out.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A file that is written to without a pause is read after this time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// Stands for every path.
pub(crate) const EVERYTHING: &str = "";

/// The paths that are to be read, and since when.
#[derive(Debug)]
pub(crate) struct Settle {
    quiet: Duration,
    pending: HashMap<PathBuf, State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its bytes did not change, as far as is known. It is looked at again.
    Recheck,
    /// Its writer has closed it.
    Closed,
    /// It came by a rename.
    Renamed,
    /// Its writer may not be done.
    Dirty { first: Instant, last: Instant },
}

/// The next step.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Nothing is pending.
    Rest,
    /// Something is pending, but not before this time.
    Until(Instant),
    /// Read everything that is pending.
    Read,
}

/// The state of a path's writers, by its events. If several paths on the way to one file have one, the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Writer {
    /// The file was written under another name.
    Renamed,
    /// The last one has closed the file.
    Closed,
    /// One may be in the middle of a save.
    Unknown,
    /// The path was quiet for so long that even an empty file is accepted.
    Quiet,
}

/// The pending paths.
pub(crate) type Pending = HashMap<PathBuf, Writer>;

impl Settle {
    /// Reads after `quiet` without a write, or after [`PATIENCE`] while writes go on.
    pub(crate) fn new(quiet: Duration) -> Self {
        Self { quiet, pending: HashMap::new() }
    }

    /// Looks at `path` again. Its content stays valid.
    pub(crate) fn recheck(&mut self, path: &Path) {
        if !self.pending.contains_key(path) {
            self.pending.insert(path.to_owned(), State::Recheck);
        }
    }

    /// The writer of `path` has closed it.
    pub(crate) fn close(&mut self, path: &Path) {
        self.pending.insert(path.to_owned(), State::Closed);
    }

    /// A file was renamed to `path`, or away from it.
    pub(crate) fn rename(&mut self, path: &Path) {
        self.pending.insert(path.to_owned(), State::Renamed);
    }

    /// Something changed at `path`, and more may follow.
    pub(crate) fn dirty(&mut self, path: &Path, now: Instant) {
        let first = match self.pending.get(path) {
            Some(State::Dirty { first, .. }) => *first,
            _ => now,
        };
        self.pending.insert(path.to_owned(), State::Dirty { first, last: now });
    }

    /// True if anything that was read before may have changed since.
    pub(crate) fn is_dirty(&self) -> bool {
        self.pending.values().any(|state| *state != State::Recheck)
    }

    /// Everything pending is read together, so the path that needs the most time decides.
    pub(crate) fn decide(&self, now: Instant) -> Decision {
        let due = self.pending.values().filter_map(|state| self.due(*state)).max();
        match due {
            _ if self.pending.is_empty() => Decision::Rest,
            Some(due) if due > now => Decision::Until(due),
            _ => Decision::Read,
        }
    }

    /// Removes and returns everything pending.
    pub(crate) fn take(&mut self, now: Instant) -> Pending {
        let pending = std::mem::take(&mut self.pending);
        pending.into_iter().map(|(path, state)| (path, self.writer(state, now))).collect()
    }

    fn writer(&self, state: State, now: Instant) -> Writer {
        match state {
            State::Closed => Writer::Closed,
            State::Renamed => Writer::Renamed,
            _ if self.due(state).is_some_and(|due| due <= now) => Writer::Quiet,
            State::Recheck | State::Dirty { .. } => Writer::Unknown,
        }
    }

    fn due(&self, state: State) -> Option<Instant> {
        match state {
            State::Recheck | State::Closed | State::Renamed => None,
            State::Dirty { first, last } => Some((last + self.quiet).min(first + PATIENCE.max(self.quiet))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, Settle, Writer};
    use std::path::Path;
    use std::time::{Duration, Instant};

    const QUIET: u64 = 150;
    const PATIENCE: u64 = 2000;

    #[derive(Clone, Copy)]
    enum Act {
        Recheck(&'static str),
        Commit(&'static str),
        Dirty(&'static str),
        Take,
    }
    use Act::{Commit, Dirty, Recheck, Take};

    type Row = (&'static str, &'static [(u64, Act)], u64, Option<u64>);

    /// Each row: what happened (and when, in ms), the time of the decision, and the decision: `None` for rest, `Some(ms)` for when to read.
    #[test]
    fn it_is_time_to_read_when_the_writer_is_done_or_everything_is_quiet() {
        let rows: &[Row] = &[
            ("nothing happened", &[], 0, None),
            ("a commit is read at once", &[(5, Commit("a"))], 5, Some(5)),
            ("a write waits for quiet", &[(5, Dirty("a"))], 5, Some(155)),
            ("each write starts the quiet again", &[(5, Dirty("a")), (100, Dirty("a"))], 100, Some(250)),
            ("a commit ends the wait", &[(5, Dirty("a")), (9, Commit("a"))], 9, Some(9)),
            ("a write after the commit waits again", &[(5, Commit("a")), (9, Dirty("a"))], 9, Some(159)),
            (
                "a commit of another path does not end the wait",
                &[(5, Dirty("a")), (9, Commit("b"))],
                9,
                Some(155),
            ),
            ("a recheck does not wait", &[(5, Recheck("a"))], 5, Some(5)),
            ("a recheck does not end the wait", &[(5, Dirty("a")), (9, Recheck("a"))], 9, Some(155)),
            ("a recheck does not undo a commit", &[(5, Commit("a")), (6, Recheck("a"))], 9, Some(9)),
            ("nothing is pending after a reading", &[(5, Dirty("a")), (200, Take)], 200, None),
        ];
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        for (claim, acts, now, expected) in rows {
            let mut settle = Settle::new(Duration::from_millis(QUIET));
            for (when, act) in *acts {
                match act {
                    Recheck(path) => settle.recheck(Path::new(path)),
                    Commit(path) => settle.close(Path::new(path)),
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
        let mut settle = Settle::new(Duration::from_millis(QUIET));
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
    fn only_quiet_settles_and_only_a_recheck_is_not_dirty() {
        let start = Instant::now();
        let mut settle = Settle::new(Duration::from_millis(QUIET));
        settle.recheck(Path::new("recheck"));
        assert!(!settle.is_dirty());
        settle.close(Path::new("closed"));
        assert!(settle.is_dirty());
        settle.rename(Path::new("renamed"));
        settle.dirty(Path::new("quiet"), start);
        settle.dirty(Path::new("dirty"), start + Duration::from_millis(1));
        let taken = settle.take(start + Duration::from_millis(QUIET));
        let writers = ["recheck", "closed", "renamed", "quiet", "dirty"].map(|path| taken[Path::new(path)]);
        assert_eq!(
            writers,
            [Writer::Unknown, Writer::Closed, Writer::Renamed, Writer::Quiet, Writer::Unknown]
        );
        assert!(!settle.is_dirty());
    }
}
