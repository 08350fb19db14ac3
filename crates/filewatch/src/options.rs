use crate::rebuild_lock::RebuildLock;
use crate::switches::Switches;
#[cfg(feature = "testing")]
use crate::switches::{LateWrite, Step};
use std::time::Duration;

/// Longer times are cut to this: a year. No clock has to count beyond it.
pub(crate) const LONGEST: Duration = Duration::from_hours(24 * 365);

/// The settings of a watch. The defaults suit files that people and deployments edit.
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) quiet: Duration,
    pub(crate) poll: Duration,
    pub(crate) rebuild_lock: RebuildLock,
    pub(crate) events: bool,
    pub(crate) switches: Switches,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            quiet: Duration::from_millis(150),
            poll: Duration::from_millis(800),
            rebuild_lock: RebuildLock::new(),
            events: true,
            switches: Switches::default(),
        }
    }
}

impl Options {
    /// Time for which a file must not change before it is read, when no event says that its writer is done. Default: 150 ms.
    #[must_use]
    pub fn quiet(mut self, quiet: Duration) -> Self {
        self.quiet = quiet.min(LONGEST);
        self
    }

    /// Interval at which the files are looked at besides the events; four times as often where no events come. Default: 800 ms.
    /// With the quiet period that follows, a change without an event is seen within a second.
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

    /// Uses no events, only the poll. This is a choice, so it is not reported as [`Degraded`](crate::Degraded).
    #[must_use]
    pub fn without_events(mut self) -> Self {
        self.events = false;
        self
    }

    /// For tests that show what a step is good for: leaves it out.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn omit(mut self, step: Step) -> Self {
        self.switches.omitted.push(step);
        self
    }

    /// For tests of dropped events: reports no event while `lock` is held.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn hold_back(mut self, lock: &RebuildLock) -> Self {
        self.switches.held_back = Some(lock.clone());
        self
    }

    /// For tests of events that come late: makes the writes of `late_write`.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn late_write(mut self, late_write: &LateWrite) -> Self {
        self.switches.late_write = late_write.clone();
        self
    }
}
