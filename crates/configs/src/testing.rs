//! Settings without a watcher, for tests and fuzzing.

use std::sync::Arc;

use filewatch::{Notice, Trigger};

use crate::configurable::Configurable;
use crate::diagnosis::Diagnosis;
use crate::history::Attempt;
use crate::reload::Reload;
use crate::snapshot::Snapshot;

/// Settings that are read on the caller's thread, each time that [`attempt`](Unwatched::attempt) is called.
pub struct Unwatched<T, D = ()> {
    reload: Reload<T, D>,
    current: Option<Arc<Snapshot<T, D>>>,
}

impl<T: Configurable, D> Unwatched<T, D> {
    pub(crate) fn new(reload: Reload<T, D>) -> Unwatched<T, D> {
        Unwatched { reload, current: None }
    }

    /// Takes the files as they are now through every step of an edit. A start that fails is not in the history.
    pub fn attempt(&mut self) -> Result<(), Diagnosis> {
        let trigger = if self.current.is_some() { Trigger::Event } else { Trigger::Start };
        let outcome = filewatch::once(trigger, |files| self.reload.build(files, self.current.as_ref()));
        match (outcome, self.current.take()) {
            (Err(error), None) => return Err(error),
            (Ok(Some(new)), None) => self.current = Some(Arc::new(new)),
            (Ok(Some(new)), Some(old)) => {
                let new = self.current.insert(Arc::new(new));
                self.reload.notice(Notice::Published { old: &old, new, trigger });
            }
            (Ok(None), Some(current)) => {
                self.reload.notice(Notice::Unchanged { current: &current, trigger });
                self.current = Some(current);
            }
            (Err(error), Some(current)) => {
                self.reload.notice(Notice::Rejected { error: error.clone(), current: &current, trigger });
                self.current = Some(current);
                return Err(error);
            }
            (Ok(None), None) => {}
        }
        Ok(())
    }

    /// The configuration in force, if one was accepted.
    pub fn snapshot(&self) -> Option<&Arc<Snapshot<T, D>>> {
        self.current.as_ref()
    }

    /// The attempts, newest first.
    pub fn history(&self) -> Vec<Attempt> {
        self.reload.history()
    }
}
