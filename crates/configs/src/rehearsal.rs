//! What happens with an edit, without anyone who watches for it.

use std::sync::Arc;

use filewatch::{Notice, Trigger};

use crate::configs::Configurable;
use crate::history::Attempt;
use crate::keeper::Keeper;
use crate::recipe::Recipe;
use crate::snapshot::Snapshot;

/// A configuration that is read when it is told to: what a fuzzer drives.
pub struct Rehearsal<T> {
    keeper: Keeper<T>,
    in_force: Option<Arc<Snapshot<T>>>,
}

impl<T: Configurable> Rehearsal<T> {
    pub(crate) fn new(recipe: Recipe<T>, revision_key: Option<String>) -> Rehearsal<T> {
        Rehearsal { keeper: Keeper::new(recipe, revision_key), in_force: None }
    }

    /// Takes the files as they are now through all that an edit goes through.
    pub fn attempt(&mut self) {
        let trigger = if self.in_force.is_some() { Trigger::Event } else { Trigger::Start };
        let outcome = filewatch::once(trigger, |files| self.keeper.build(files));
        match outcome {
            Ok(Some(new)) => {
                let new = Arc::new(new);
                let old = self.in_force.replace(Arc::clone(&new)).unwrap_or_else(|| Arc::clone(&new));
                self.keeper.notice(Notice::Published { old: &old, new: &new, trigger });
            }
            Ok(None) => self.keeper.notice(Notice::Unchanged { trigger }),
            Err(error) => self.keeper.notice(Notice::Rejected { error, trigger }),
        }
    }

    /// What is in force, if anything was accepted.
    pub fn snapshot(&self) -> Option<&Arc<Snapshot<T>>> {
        self.in_force.as_ref()
    }

    /// The attempts, newest first.
    pub fn history(&self) -> Vec<Attempt> {
        self.keeper.history()
    }
}
