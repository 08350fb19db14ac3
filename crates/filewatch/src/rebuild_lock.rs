use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Values that share a lock are rebuilt one at a time.
///
/// It is held over the build, the swap and the notice. So a build that reads another live value can rely on that value until its own
/// is in force. The first build, in `open`, does not take the lock.
///
/// A build or a notice must not call [`hold`](RebuildLock::hold) on its own lock: it would wait for itself. The last handle of
/// a live value must not be dropped while its lock is held. The drop waits for a thread, and that may be waiting for the lock.
#[derive(Clone, Debug, Default)]
pub struct RebuildLock(Arc<Mutex<()>>);

impl RebuildLock {
    /// A lock that nobody holds.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until nobody holds the lock, then holds it until the result is dropped.
    pub fn hold(&self) -> MutexGuard<'_, ()> {
        // The lock guards no data, so a panic of an earlier holder does not matter.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
