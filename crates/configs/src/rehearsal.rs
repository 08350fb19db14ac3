//! What happens with an edit, without anyone who watches for it.

use std::sync::Arc;

use filewatch::{Notice, Trigger};

use crate::configs::Configurable;
use crate::diagnosis::Diagnosis;
use crate::history::Attempt;
use crate::reload::Reload;
use crate::snapshot::Snapshot;

/// A configuration that is read when it is told to: what a fuzzer drives.
pub struct Rehearsal<T, D = ()> {
    reload: Reload<T, D>,
    in_force: Option<Arc<Snapshot<T, D>>>,
}

impl<T: Configurable, D> Rehearsal<T, D> {
    pub(crate) fn new(reload: Reload<T, D>) -> Rehearsal<T, D> {
        Rehearsal { reload, in_force: None }
    }

    /// Takes the files as they are now through all that an edit goes through. A start that fails is not in the history.
    pub fn attempt(&mut self) -> Result<(), Diagnosis> {
        let trigger = if self.in_force.is_some() { Trigger::Event } else { Trigger::Start };
        let outcome = filewatch::once(trigger, |files| self.reload.build(files, self.in_force.as_ref()));
        match (outcome, self.in_force.take()) {
            (Err(error), None) => return Err(error),
            (Ok(Some(new)), None) => self.in_force = Some(Arc::new(new)),
            (Ok(Some(new)), Some(old)) => {
                let new = self.in_force.insert(Arc::new(new));
                self.reload.notice(Notice::Published { old: &old, new, trigger });
            }
            (Ok(None), Some(current)) => {
                self.reload.notice(Notice::Unchanged { current: &current, trigger });
                self.in_force = Some(current);
            }
            (Err(error), Some(current)) => {
                self.reload.notice(Notice::Rejected { error: error.clone(), current: &current, trigger });
                self.in_force = Some(current);
                return Err(error);
            }
            (Ok(None), None) => {}
        }
        Ok(())
    }

    /// What is in force, if anything was accepted.
    pub fn snapshot(&self) -> Option<&Arc<Snapshot<T, D>>> {
        self.in_force.as_ref()
    }

    /// The attempts, newest first.
    pub fn history(&self) -> Vec<Attempt> {
        self.reload.history()
    }
}
