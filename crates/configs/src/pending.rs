//! An edit between the questions to the consumers and the swap.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use crate::callbacks::catch_panic;
use crate::commit::Commit;
use crate::history::Change;
use crate::redactor::Redactor;

/// The commits that the consumers prepared for an edit, until the edit is in force.
pub(crate) struct Pending {
    commits: Vec<Commit>,
    changed: Vec<Change>,
    redactor: Redactor,
    under_way: Option<UnderWay>,
}

/// Knows if an edit is under way: the consumers are asked about it, and it is not decided yet.
#[derive(Clone, Default)]
pub(crate) struct Edits(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// The thread that asks about the edit.
    asking: Mutex<Option<ThreadId>>,
    decided: Condvar,
}

/// The edit is under way until this is dropped.
pub(crate) struct UnderWay(Edits);

impl Edits {
    pub(crate) fn begin(&self) -> UnderWay {
        *self.asking() = Some(thread::current().id());
        UnderWay(self.clone())
    }

    /// Calls `add` while no edit is under way, and waits for that. The thread that asks about an edit does not wait.
    pub(crate) fn between<R>(&self, add: impl FnOnce() -> R) -> R {
        let mine = thread::current().id();
        let mut asking = self.asking();
        while asking.is_some_and(|asking| asking != mine) {
            asking = self.0.decided.wait(asking).unwrap_or_else(PoisonError::into_inner);
        }
        add()
    }

    fn asking(&self) -> MutexGuard<'_, Option<ThreadId>> {
        self.0.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        *self.0.asking() = None;
        self.0.0.decided.notify_all();
    }
}

impl Pending {
    pub(crate) fn new(
        commits: Vec<Commit>,
        changed: Vec<Change>,
        redactor: Redactor,
        under_way: UnderWay,
    ) -> Pending {
        Pending { commits, changed, redactor, under_way: Some(under_way) }
    }

    /// Runs the commits. Returns the changes, without secrets.
    pub(crate) fn commit(mut self) -> Vec<Change> {
        // The new value is current: a consumer that is registered from now on reads it.
        self.under_way = None;
        for commit in std::mem::take(&mut self.commits) {
            if catch_panic(commit).is_none() {
                tracing::error!("a consumer panicked while it put a configuration in force");
            }
        }
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().map(|change| self.redactor.masked(change)).collect()
    }
}

impl Drop for Pending {
    /// The edit was not put in force. The destructors of prepared values may panic.
    fn drop(&mut self) {
        for commit in self.commits.drain(..) {
            catch_panic(|| drop(commit));
        }
    }
}
