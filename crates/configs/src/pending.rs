//! An edit between the question to the consumers and the swap.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use crate::callbacks::calmly;
use crate::configs::Commit;
use crate::evidence::Evidence;
use crate::history::Change;

/// What consumers prepared for an edit, until the edit is in force.
pub(crate) struct Pending {
    commits: Vec<Commit>,
    changed: Vec<Change>,
    evidence: Evidence,
    under_way: Option<UnderWay>,
}

/// Says whether an edit is under way: consumers are asked about it, and it is not decided yet.
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

    /// Calls `add` while no edit is under way; waits for the end of one. The thread that asks about it does not wait.
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
        evidence: Evidence,
        under_way: UnderWay,
    ) -> Pending {
        Pending { commits, changed, evidence, under_way: Some(under_way) }
    }

    /// Runs the commits. Returns what changed, without any secret.
    pub(crate) fn commit(mut self) -> Vec<Change> {
        // The value is swapped in: a consumer that is registered from here on finds it in force.
        self.under_way = None;
        for commit in std::mem::take(&mut self.commits) {
            if calmly(commit).is_none() {
                tracing::error!("a consumer panicked while it put a configuration in force");
            }
        }
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().map(|change| self.evidence.masked(change)).collect()
    }
}

impl Drop for Pending {
    /// What a consumer prepared may panic when it is dropped.
    fn drop(&mut self) {
        for commit in self.commits.drain(..) {
            calmly(|| drop(commit));
        }
    }
}
