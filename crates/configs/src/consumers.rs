//! The consumers that prepare for an edit before it is in force.

use crate::callbacks::{Callbacks, catch_panic};
use crate::commit::Commit;
use crate::diagnosis::Diagnosis;
use crate::pending::{Edits, UnderWay};
use crate::problem::Problem;
use crate::redactor::Redactor;
use crate::rejection::Rejection;
use crate::snapshot::Snapshot;

/// Prepares for an edit: given the snapshot in force and the new one, it returns the commit or rejects the edit.
pub(crate) type Prepare<T, D> =
    Box<dyn FnMut(&Snapshot<T, D>, &Snapshot<T, D>) -> Result<Commit, Rejection> + Send>;

/// The consumers, in the order in which they were registered.
pub(crate) struct Consumers<T, D> {
    callbacks: Callbacks<Prepare<T, D>>,
    edits: Edits,
}

impl<T, D> Consumers<T, D> {
    pub(crate) fn new() -> Consumers<T, D> {
        Consumers { callbacks: Callbacks::new(), edits: Edits::default() }
    }

    /// Adds a consumer. It is asked about every edit that is not in force when this returns.
    pub(crate) fn add(&self, prepare: Prepare<T, D>) {
        self.edits.between(|| self.callbacks.add(prepare));
    }

    /// Asks all consumers. If one rejects or panics, the commits of the others are dropped. The edit is under way until
    /// [`UnderWay`] is dropped.
    pub(crate) fn prepare(
        &self,
        old: &Snapshot<T, D>,
        new: &Snapshot<T, D>,
        redactor: &Redactor,
    ) -> Result<(Vec<Commit>, UnderWay), Diagnosis> {
        let under_way = self.edits.begin();
        let (mut commits, mut problems) = (Vec::new(), Vec::new());
        for answer in self.callbacks.call_all(|prepare| prepare(old, new)) {
            match answer {
                Some(Ok(commit)) => commits.push(commit),
                Some(Err(rejection)) => problems.push(redactor.rejected(&rejection)),
                None => problems
                    .push(Problem::plain("a consumer panicked while it prepared for this configuration")),
            }
        }
        if problems.is_empty() {
            return Ok((commits, under_way));
        }
        for commit in commits {
            catch_panic(|| drop(commit));
        }
        Err(Diagnosis::new(problems))
    }
}
