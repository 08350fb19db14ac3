//! Switches for tests. Only the feature `testing` can set them.

use crate::rebuild_lock::RebuildLock;
use std::sync::MutexGuard;
#[cfg(feature = "testing")]
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// A step that keeps half a file from being published. The steps can replace each other, but not everywhere.
///
/// `just torture` leaves out one step after the other while a process saves a file again and again. Each step has the storm
/// that needs it most. It fails if that publishes no torn file. With all steps the same storms must publish none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), expect(unreachable_pub, reason = "it is public with the feature"))]
pub enum Step {
    /// Waiting until the writer is done. Without it every event causes a reading at once, and half a text is read between two writes.
    /// Nothing else prevents that for long.
    Patience,
    /// Comparing size and times before and after the reading. [`Lock`](Step::Lock) is left out with it. Without them a large file is
    /// cut while it is read: the event comes when the cut is done, too late. In a file of a few kilobytes there is no time for that.
    TwoLooks,
    /// After the reading, waiting for a writer that is inside a system call. Without it a large file is read while it is cut to
    /// a part. Such a file has its new size before the rest is freed, and the event comes after that. The same holds for a text
    /// that is overwritten while it is copied. Size, times and events do not show it.
    Lock,
    /// After the reading, reading the queue of events. Without it a save that begins between the first event and the reading is read in
    /// one of its pauses. Size and times show nothing: nothing changes during the reading.
    Barrier,
    /// Waiting a moment before the queue of events is read, if a write over the old bytes may not have queued its event yet.
    /// Without it a storm tears only one of 8,000 readings. So this step has no storm, but a test with a write whose event
    /// comes late.
    EventDelay,
    /// Not accepting an empty file because its writer has closed it. Without it a file that is emptied in one opening and written in
    /// another is read in between.
    EmptyRule,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Switches {
    pub(crate) omitted: Vec<Step>,
    pub(crate) held_back: Option<RebuildLock>,
    #[cfg(feature = "testing")]
    pub(crate) late_write: LateWrite,
}

/// A write that is made just before the next reading. Its event is seen only after the [pause](Step::EventDelay).
#[cfg(feature = "testing")]
#[derive(Clone, Default)]
pub struct LateWrite(Arc<Mutex<Option<Write>>>);

#[cfg(feature = "testing")]
type Write = Box<dyn FnOnce() -> Box<dyn Send> + Send>;

impl Switches {
    pub(crate) fn takes(&self, step: Step) -> bool {
        !self.omitted.contains(&step)
    }

    /// Makes the late write, if there is one. The result is dropped after the reading.
    #[cfg(feature = "testing")]
    pub(crate) fn write_late(&self) -> Option<Box<dyn Send>> {
        let write = self.late_write.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        write.map(|write| write())
    }

    #[cfg(not(feature = "testing"))]
    #[expect(clippy::unused_self, reason = "the feature `testing` has late writes")]
    pub(crate) fn write_late(&self) -> Option<Box<dyn Send>> {
        None
    }

    /// Waits until events may be reported.
    pub(crate) fn hold_back(&self) -> Option<MutexGuard<'_, ()>> {
        self.held_back.as_ref().map(RebuildLock::hold)
    }
}

#[cfg(feature = "testing")]
impl LateWrite {
    /// Makes this write just before the next reading, and drops its result after that.
    pub fn set<R: Send + 'static>(&self, write: impl FnOnce() -> R + Send + 'static) {
        let write: Write = Box::new(|| Box::new(write()));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(write);
    }
}

#[cfg(feature = "testing")]
impl fmt::Debug for LateWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LateWrite").finish_non_exhaustive()
    }
}
