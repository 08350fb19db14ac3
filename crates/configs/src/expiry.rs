//! The thread that notices the end of a value that was set for a time.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use filewatch::ReloadHandle;

use crate::runtime::Runtime;

/// Asks for a build whenever a value expires. The thread begins with the first value that does, and ends with this.
pub(crate) struct Expiry {
    runtime: Arc<Runtime>,
    reload: ReloadHandle,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Expiry {
    pub(crate) fn new(runtime: Arc<Runtime>, reload: ReloadHandle) -> Expiry {
        Expiry { runtime, reload, thread: Mutex::new(None) }
    }

    /// Starts the thread unless it runs.
    pub(crate) fn start(&self) -> io::Result<()> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let (runtime, reload) = (Arc::clone(&self.runtime), self.reload.clone());
            let named = thread::Builder::new().name("expiry".to_owned());
            *thread = Some(named.spawn(move || runtime.watch_expiry(|| reload.reload()))?);
        }
        Ok(())
    }
}

impl Drop for Expiry {
    fn drop(&mut self) {
        self.runtime.close();
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // It runs no code that panics.
            let _ = thread.join();
        }
    }
}
