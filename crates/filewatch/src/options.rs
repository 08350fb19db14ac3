use crate::reading::{self, Reading};
use crate::rebuild_lock::RebuildLock;
use std::path::Path;
use std::time::Duration;

/// Longer times are cut to this: a year. No clock has to count beyond it.
pub(crate) const LONGEST: Duration = Duration::from_hours(24 * 365);

/// How to watch. The defaults suit files that people and deployments edit.
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) quiet: Duration,
    pub(crate) poll: Duration,
    pub(crate) rebuild_lock: RebuildLock,
    pub(crate) events: bool,
    pub(crate) omitted: Vec<Step>,
    pub(crate) held_back: Option<RebuildLock>,
}

/// A step that protects from publishing half a file.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Waiting until the writer is done: without it every event reads at once.
    Patience,
    /// Comparing size and times before and after reading.
    TwoLooks,
    /// After reading, waiting for whoever is in the midst of a call that writes.
    Lock,
    /// After reading, making sure that no event is under way.
    Barrier,
    /// Not taking an empty file for whole because its writer closed it.
    EmptyRule,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            quiet: Duration::from_millis(150),
            poll: Duration::from_millis(800),
            rebuild_lock: RebuildLock::new(),
            events: true,
            omitted: Vec::new(),
            held_back: None,
        }
    }
}

impl Options {
    /// How long a file must not change before it is read when nothing says that its writer is done. 150 ms unless told.
    #[must_use]
    pub fn quiet(mut self, quiet: Duration) -> Self {
        self.quiet = quiet.min(LONGEST);
        self
    }

    /// How often to look at the files beside the events; four times as often where no events come. 800 ms unless told: with the quiet that
    /// follows, a change of which no event tells is seen within a second.
    #[must_use]
    pub fn poll(mut self, poll: Duration) -> Self {
        self.poll = poll.min(LONGEST);
        self
    }

    /// Rebuilds only while holding `lock`.
    #[must_use]
    pub fn rebuild_lock(mut self, lock: &RebuildLock) -> Self {
        self.rebuild_lock = lock.clone();
        self
    }

    /// Uses no events at all, only looks. A choice, so it is not reported as [`Degraded`](crate::Degraded).
    #[must_use]
    pub fn without_events(mut self) -> Self {
        self.events = false;
        self
    }

    /// For tests that show what the step is good for: leaves it out.
    #[doc(hidden)]
    #[must_use]
    pub fn omit(mut self, step: Step) -> Self {
        self.omitted.push(step);
        self
    }

    /// For tests of what happens when events are dropped: no event is heard while `lock` is held.
    #[doc(hidden)]
    #[must_use]
    pub fn hold_back(mut self, lock: &RebuildLock) -> Self {
        self.held_back = Some(lock.clone());
        self
    }

    pub(crate) fn reading(&self) -> fn(&Path, u64) -> Reading {
        match (self.takes(Step::TwoLooks), self.takes(Step::Lock)) {
            (true, true) => reading::read,
            (true, false) => reading::read_in_passing,
            (false, _) => reading::read_blindly,
        }
    }

    pub(crate) fn takes(&self, step: Step) -> bool {
        !self.omitted.contains(&step)
    }
}
