//! One configuration, whole.

use std::fmt::{Debug, Formatter, Result};
use std::ops::Deref;
use std::sync::Arc;

use jiff::Zoned;

use crate::effective::Effective;

/// One accepted configuration: the value, which dereferences to `T`, with what identifies it.
pub struct Snapshot<T> {
    /// 1 at the start; counts accepted, different configurations.
    pub generation: u64,
    /// When it was accepted, in local time.
    pub at: Zoned,
    /// SHA-256 (hexadecimal) of the effective values without the secrets, defaults included: equal on every process that
    /// runs the same configuration, however it is spread over layers.
    pub digest: String,
    /// The value of the key named by [`Builder::revision_key`](crate::Builder::revision_key).
    pub revision: Option<u64>,
    pub(crate) value: Arc<T>,
    pub(crate) effective: Arc<Effective>,
}

impl<T> Deref for Snapshot<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Clone for Snapshot<T> {
    fn clone(&self) -> Snapshot<T> {
        Snapshot {
            generation: self.generation,
            at: self.at.clone(),
            digest: self.digest.clone(),
            revision: self.revision,
            value: Arc::clone(&self.value),
            effective: Arc::clone(&self.effective),
        }
    }
}

impl<T> Debug for Snapshot<T> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        out.debug_struct("Snapshot")
            .field("generation", &self.generation)
            .field("at", &self.at)
            .field("digest", &self.digest)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}
