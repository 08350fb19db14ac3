#[cfg(all(target_os = "linux", not(feature = "notify")))]
use std::{
    os::fd::OwnedFd,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// Wakes the thread that waits for events of the latest queue. It keeps no descriptor open.
#[cfg(all(target_os = "linux", not(feature = "notify")))]
#[derive(Clone, Debug, Default)]
pub(crate) struct Waker(Arc<Mutex<Weak<OwnedFd>>>);

/// Not needed here: a message in the inbox wakes the thread that waits for it.
#[cfg(any(not(target_os = "linux"), feature = "notify"))]
#[derive(Clone, Debug, Default)]
pub(crate) struct Waker(());

#[cfg(all(target_os = "linux", not(feature = "notify")))]
impl Waker {
    pub(crate) fn wake(&self) {
        let eventfd = self.0.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        if let Some(eventfd) = eventfd {
            // It fails only when the counter is full, and then the thread wakes up anyway.
            let _ = rustix::io::write(&*eventfd, &1u64.to_ne_bytes());
        }
    }

    /// From now on it is this queue's thread.
    pub(crate) fn set_eventfd(&self, eventfd: &Arc<OwnedFd>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(eventfd);
    }
}

#[cfg(any(not(target_os = "linux"), feature = "notify"))]
impl Waker {
    #[expect(clippy::unused_self, reason = "on Linux it has a descriptor to write to")]
    pub(crate) fn wake(&self) {}
}
