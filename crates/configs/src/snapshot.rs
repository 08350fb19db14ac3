//! One configuration, whole.

use std::fmt::{Debug, Formatter, Result};
use std::ops::Deref;
use std::sync::{Mutex, OnceLock};

use jiff::Zoned;

use crate::effective::Effective;
use crate::pending::Pending;

/// One accepted configuration: the value, which dereferences to `T`, and everything that belongs to it.
///
/// `D` is what [`Builder::derive`](crate::Builder::derive) makes of it. It is swapped in together with the value.
pub struct Snapshot<T, D = ()> {
    pub(crate) generation: u64,
    pub(crate) at: Zoned,
    /// Made after the swap, or for the first one who asks: a large configuration is in force sooner.
    pub(crate) digest: OnceLock<String>,
    pub(crate) revision: Option<u64>,
    /// The revision of the last configuration without a canary: no edit may lower it.
    pub(crate) floor: Option<u64>,
    pub(crate) value: T,
    pub(crate) derived: D,
    pub(crate) effective: Effective,
    /// The consumers' commits. Taken out after the swap; dropped with the snapshot if it is never swapped in.
    pub(crate) pending: Mutex<Option<Pending>>,
}

impl<T, D> Snapshot<T, D> {
    /// 1 at the start; counts accepted, different configurations.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// When it was made, in local time.
    pub fn at(&self) -> &Zoned {
        &self.at
    }

    /// SHA-256 (64 hexadecimal digits) of the effective values without the secrets, defaults included. Two processes that
    /// run the same configuration have the same digest, however it is spread over layers.
    pub fn digest(&self) -> &str {
        self.digest.get_or_init(|| self.effective.digest())
    }

    /// The number at the key that [`Builder::revision_key`](crate::Builder::revision_key) names; `None` without one.
    pub fn revision(&self) -> Option<u64> {
        self.revision
    }

    /// The part that was derived from it.
    pub fn derived(&self) -> &D {
        &self.derived
    }
}

impl<T> Snapshot<T> {
    pub(crate) fn with_derived<D>(self, derived: D) -> Snapshot<T, D> {
        let Snapshot { generation, at, digest, revision, floor, value, effective, pending, .. } = self;
        Snapshot { generation, at, digest, revision, floor, value, derived, effective, pending }
    }
}

impl<T, D> Deref for Snapshot<T, D> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T, D> Debug for Snapshot<T, D> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        out.debug_struct("Snapshot")
            .field("generation", &self.generation)
            .field("at", &self.at)
            .field("digest", &self.digest())
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}
