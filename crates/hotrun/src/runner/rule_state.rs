//! The state of one rule's command.

use std::collections::{BTreeSet, VecDeque};
use std::mem;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Upper bound on runs in a row that were all caused by changes during the run before.
const MOST_IN_A_ROW: u32 = 5;

/// So many runs are remembered. The event of a change may come when the next run has begun already.
const KEPT: usize = 8;

/// A deleted file has no time. Its deletion counts as made during a run that ended within this time.
const DELETED: Duration = Duration::from_secs(1);

/// The state of one rule's command. It decides which changes run the command again.
///
/// A command may write files of its own pattern, and nothing tells its writes from the user's. So a change during a run causes
/// one more run. A file that has only ever changed during runs is taken for the command's own from the second time on, and
/// causes none. The number of runs in a row is limited, too, for a command that writes another file each time.
#[derive(Debug, Default)]
pub(super) struct RuleState {
    /// The begin and the end of the last runs, the newest first. A run under way has no end.
    runs: VecDeque<(SystemTime, Option<SystemTime>)>,
    /// The cause of the next run, if there is to be one.
    next: Option<Cause>,
    /// Files that have changed while the command did not run.
    sources: BTreeSet<PathBuf>,
    /// Other files, which have changed during a run.
    suspects: BTreeSet<PathBuf>,
    /// The number of the last runs that changes during the run before have caused.
    in_a_row: u32,
    /// The limit of such runs was reported.
    is_reported: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// A change during the run before.
    Run,
    /// A change outside of a run.
    Edit,
}

/// The consequence of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consequence {
    /// The command is to run now.
    Run,
    /// The command runs, and will run again if it must.
    None,
    /// The command has changed its own files in too many runs in a row. It rests until another change. Returned once.
    GivenUp,
}

impl RuleState {
    /// Takes in that a file of the rule has changed at this time. `None` if it was deleted.
    pub(super) fn changed(&mut self, file: &Path, at: Option<SystemTime>, now: SystemTime) -> Consequence {
        if !self.is_during_run(at, now) {
            self.suspects.remove(file);
            self.sources.insert(file.to_owned());
            self.next = Some(Cause::Edit);
        } else if self.sources.contains(file) || self.suspects.insert(file.to_owned()) {
            if self.next.is_none() && self.in_a_row >= MOST_IN_A_ROW {
                let is_first = !mem::replace(&mut self.is_reported, true);
                return if is_first { Consequence::GivenUp } else { Consequence::None };
            }
            self.next.get_or_insert(Cause::Run);
        }
        if self.next.is_some() && !self.is_running() { Consequence::Run } else { Consequence::None }
    }

    /// The command begins at this time.
    pub(super) fn begins(&mut self, at: SystemTime) {
        self.runs.push_front((at, None));
        self.runs.truncate(KEPT);
        if self.next.take() == Some(Cause::Run) {
            self.in_a_row += 1;
        } else {
            (self.in_a_row, self.is_reported) = (0, false);
        }
    }

    /// The command has ended at this time. `true` if it is to run again.
    pub(super) fn ends(&mut self, at: SystemTime) -> bool {
        if let Some((_, ended)) = self.runs.front_mut() {
            *ended = Some(at);
        }
        self.next.is_some()
    }

    /// The duration of the last run that has ended.
    pub(super) fn took(&self) -> Option<Duration> {
        let (began, ended) = self.runs.front()?;
        ended.as_ref()?.duration_since(*began).ok()
    }

    /// True if the command ran at this time. `None` is a file that was deleted: it belongs to a run under way only.
    pub(super) fn has_run_at(&self, at: Option<SystemTime>) -> bool {
        let Some(at) = at else { return self.is_running() };
        self.runs.iter().any(|(began, ended)| *began <= at && ended.is_none_or(|ended| at <= ended))
    }

    fn is_running(&self) -> bool {
        self.runs.front().is_some_and(|(_, ended)| ended.is_none())
    }

    fn is_during_run(&self, at: Option<SystemTime>, now: SystemTime) -> bool {
        let is_within = |at: SystemTime, (began, ended): (SystemTime, Option<SystemTime>)| {
            began <= at && ended.is_none_or(|ended| at <= ended)
        };
        match (at, self.runs.front()) {
            (Some(at), _) => self.runs.iter().any(|run| is_within(at, *run)),
            (None, Some((_, Some(ended)))) => now.duration_since(*ended).is_ok_and(|since| since < DELETED),
            (None, last) => last.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use super::{Consequence, MOST_IN_A_ROW, RuleState};

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn changed(state: &mut RuleState, file: &str, when: u64) -> Consequence {
        state.changed(Path::new(file), Some(at(when)), at(when))
    }

    /// One run at this time, which changes these files. `true` if it is to be followed by another one.
    fn run(state: &mut RuleState, when: u64, files: &[&str]) -> bool {
        state.begins(at(when));
        for file in files {
            assert_ne!(changed(state, file, when), Consequence::Run);
        }
        state.ends(at(when))
    }

    #[test]
    fn a_file_that_each_run_writes_causes_one_more_run_and_then_none() {
        let mut state = RuleState::default();
        assert_eq!(changed(&mut state, "a.css", 10), Consequence::Run);
        assert!(run(&mut state, 11, &["made.css"]));
        assert!(!run(&mut state, 12, &["made.css"]));
        assert_eq!(changed(&mut state, "a.css", 20), Consequence::Run);
        assert!(!run(&mut state, 21, &["made.css"]), "it is known");
        assert_eq!(changed(&mut state, "made.css", 30), Consequence::Run, "a user has changed it");
    }

    #[test]
    fn an_event_that_comes_after_the_run_belongs_to_it() {
        let mut state = RuleState::default();
        assert_eq!(changed(&mut state, "a.css", 10), Consequence::Run);
        assert!(!run(&mut state, 11, &[]));
        assert_eq!(changed(&mut state, "made.css", 11), Consequence::Run);
        assert!(!run(&mut state, 12, &[]));
        assert_eq!(changed(&mut state, "made.css", 12), Consequence::None);
        assert_eq!(changed(&mut state, "a.css", 20), Consequence::Run);
        assert!(!run(&mut state, 21, &[]));
        state.begins(at(22));
        assert_eq!(changed(&mut state, "made.css", 21), Consequence::None, "the run before this one");
        assert!(!state.ends(at(22)));
        assert_eq!(state.changed(Path::new("b.css"), None, at(24)), Consequence::Run, "deleted");
        state.begins(at(25));
        assert_eq!(state.changed(Path::new("c.css"), None, at(25)), Consequence::None);
        assert!(state.ends(at(25)), "deleted during the run, which is followed by another one");
    }

    #[test]
    fn an_edit_during_a_run_is_not_lost() {
        let mut state = RuleState::default();
        for when in 1..=4 {
            assert_eq!(changed(&mut state, "a.css", 10 * when), Consequence::Run);
            assert!(run(&mut state, 10 * when + 1, &["a.css"]));
            assert!(!run(&mut state, 10 * when + 2, &[]));
        }
    }

    #[test]
    fn runs_that_cause_each_other_end() {
        let mut state = RuleState::default();
        for (round, own) in [(1, "a.css"), (2, "other")] {
            let first = 100 * round;
            assert_eq!(changed(&mut state, "a.css", first), Consequence::Run);
            let mut when = first + 1;
            let names: Vec<String> = (0..100).map(|number| format!("{round}-{number}.css")).collect();
            let file =
                |when: u64| if own == "a.css" { own } else { &names[usize::try_from(when % 100).unwrap()] };
            while run(&mut state, when, &[file(when)]) {
                when += 1;
                assert!(when < first + 50, "it does not end");
            }
            assert_eq!(when - first, u64::from(MOST_IN_A_ROW) + 1);
        }
        assert_eq!(changed(&mut state, "a.css", 900), Consequence::Run, "the next edit counts");
    }
}
