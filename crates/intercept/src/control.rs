//! State that the thread of an interceptor and its owner share.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::event::{EventfdFlags, eventfd};

/// State that the thread and its owner share.
#[derive(Debug)]
pub(crate) struct Control {
    state: Mutex<State>,
    /// An eventfd that wakes the thread.
    wakeup: OwnedFd,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    pub(crate) on_hold: bool,
    pub(crate) over: bool,
}

impl Control {
    /// Fails if there is no descriptor left.
    pub(crate) fn new() -> io::Result<Self> {
        let wakeup = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { state: Mutex::default(), wakeup })
    }

    /// The state, locked. A decision that depends on it is carried out before the lock is released.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wakeup(&self) -> &OwnedFd {
        &self.wakeup
    }

    pub(crate) fn clear_wakeup(&self) {
        let _ = rustix::io::read(&self.wakeup, &mut [0; 8]);
    }

    pub(crate) fn wake(&self) {
        let _ = rustix::io::write(&self.wakeup, &1_u64.to_ne_bytes());
    }
}
