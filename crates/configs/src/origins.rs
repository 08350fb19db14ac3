//! The origins of the values in force.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::effective::{Effective, EffectiveValue};
use crate::provenance::Provenance;

/// The origins of the values in force. An edit that only moves lines changes them, and makes no snapshot.
#[derive(Default)]
pub(crate) struct Origins {
    now: Mutex<Option<Arc<Provenance>>>,
    /// Those of the edit that is not decided yet.
    next: Mutex<Option<Arc<Provenance>>>,
}

impl Origins {
    /// Sets the origins of the first configuration.
    pub(crate) fn start(&self, origins: Provenance) {
        *locked(&self.now) = Some(Arc::new(origins));
    }

    /// Sets the origins of an edit that is not decided yet.
    pub(crate) fn propose(&self, origins: Provenance) {
        *locked(&self.next) = Some(Arc::new(origins));
    }

    /// The edit is in force. Returns the former origins: their tree may be large, so the caller drops it last.
    pub(crate) fn swap(&self) -> Option<Arc<Provenance>> {
        let next = locked(&self.next).take()?;
        locked(&self.now).replace(next)
    }

    /// All values, each with its origin.
    pub(crate) fn values(&self, effective: &Effective) -> Vec<EffectiveValue> {
        let origins = locked(&self.now).clone();
        let origin = |path: &str| origins.as_ref()?.origin(path).cloned();
        let values = Effective::default().changes(effective);
        values
            .into_iter()
            .map(|value| EffectiveValue { origin: origin(&value.path), path: value.path, value: value.to })
            .collect()
    }
}

/// An assignment of a pointer cannot be half done, so a panic of an earlier holder does no harm.
fn locked(origins: &Mutex<Option<Arc<Provenance>>>) -> MutexGuard<'_, Option<Arc<Provenance>>> {
    origins.lock().unwrap_or_else(PoisonError::into_inner)
}
