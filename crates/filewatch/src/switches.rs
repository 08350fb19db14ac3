//! Switches for tests. Only the feature `testing` can set them.

use crate::rebuild_lock::{RebuildGuard, RebuildLock};

/// A step that keeps half a file from being published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), expect(unreachable_pub, reason = "it is public with the feature"))]
pub enum Step {
    /// Waiting until the writer is done. Without it every event causes a reading at once.
    Patience,
    /// Comparing size and times before and after the reading, and [`Lock`](Step::Lock).
    TwoLooks,
    /// After the reading, waiting for a writer that is inside a system call.
    Lock,
    /// After the reading, reading the queue of events.
    Barrier,
    /// Not accepting an empty file because its writer has closed it.
    EmptyRule,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Switches {
    pub(crate) omitted: Vec<Step>,
    pub(crate) held_back: Option<RebuildLock>,
}

impl Switches {
    pub(crate) fn takes(&self, step: Step) -> bool {
        !self.omitted.contains(&step)
    }

    /// Waits until events may be reported.
    pub(crate) fn hold_back(&self) -> Option<RebuildGuard<'_>> {
        self.held_back.as_ref().map(RebuildLock::hold)
    }
}
