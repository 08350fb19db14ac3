use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Lets one through at a time: [`Live`](crate::Live)s that share a gate are rebuilt one after the other.
///
/// It is held over the build, the swap and the notice, so that a build which looks at another live value's current one
/// can rely on it until its own is in force. The first build, in `open`, does not take it.
/// A build or notice must not call [`hold`](Gate::hold) on its own gate: it would wait for itself. Nor may the last handle of a live
/// value be dropped by someone who holds its gate: that waits for a thread which may be waiting for the gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Mutex<()>>);

/// The gate, held until this is dropped.
#[derive(Debug)]
#[must_use = "the gate is let go of when this is dropped"]
pub struct GateGuard<'a> {
    _held: MutexGuard<'a, ()>,
}

impl Gate {
    /// A gate that nobody holds.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until nobody holds the gate, then holds it.
    pub fn hold(&self) -> GateGuard<'_> {
        // A panic of an earlier holder says nothing about us: the lock guards no data.
        GateGuard { _held: self.0.lock().unwrap_or_else(PoisonError::into_inner) }
    }
}
