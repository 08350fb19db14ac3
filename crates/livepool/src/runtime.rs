//! The runtime on which the connections live.

use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Error, Kind};

/// A runtime with one thread, started when it is needed first. A connection ends with the runtime that it was made on, and a
/// server's runtimes come and go with its listeners.
#[derive(Default)]
pub(crate) struct LazyRuntime(Mutex<Option<Runtime>>);

impl LazyRuntime {
    pub(crate) fn handle(&self) -> Result<Handle, Error> {
        let mut runtime = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = &*runtime {
            return Ok(runtime.handle().clone());
        }
        let built =
            Builder::new_multi_thread().worker_threads(1).thread_name("livepool").enable_all().build();
        let built = built.map_err(|error| {
            Error::new(Kind::Refused, format!("cannot start the thread of the pool: {error}"))
        })?;
        Ok(runtime.insert(built).handle().clone())
    }
}

impl Drop for LazyRuntime {
    /// Does not wait: the last owner may be a task.
    fn drop(&mut self) {
        let runtime = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = runtime.take() {
            runtime.shutdown_background();
        }
    }
}
