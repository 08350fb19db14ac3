//! The rule that recognises stale edits.

use crate::diagnosis::Diagnosis;
use crate::effective::Effective;
use crate::redactor::Redactor;
use crate::rejection::Rejection;

/// The number that no edit may lower or drop.
#[derive(Default)]
pub(crate) struct Revisions {
    /// Its dotted path; `None`, no edit is stale.
    pub(crate) key: Option<String>,
    /// An edit may lower or drop it.
    pub(crate) allow_rollback: bool,
}

impl Revisions {
    /// The number among these values.
    pub(crate) fn of(&self, effective: &Effective) -> Option<u64> {
        self.key.as_deref().and_then(|key| effective.number(key))
    }

    /// Refuses an edit that lowers or drops the number `old`: it was made from an old copy.
    pub(crate) fn refuse_stale(
        &self,
        old: Option<u64>,
        new: Option<u64>,
        redactor: &Redactor,
    ) -> Result<(), Diagnosis> {
        let (Some(key), Some(old)) = (&self.key, old) else { return Ok(()) };
        let stale = match new {
            _ if self.allow_rollback => return Ok(()),
            Some(new) if new >= old => return Ok(()),
            Some(new) => format!("stale: revision {new} is lower than {old}, which is in force"),
            None => format!("stale: there is no revision, and {old} is in force"),
        };
        let help = "start from the newest copy and raise the revision";
        Err(redactor.rejected(&Rejection::new(key, stale).help(help)).into())
    }
}
