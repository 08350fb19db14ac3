//! The runtime on which the connections live.

use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::Error;

/// The runtime of all pools, with one thread, started when it is needed first. A connection ends with the runtime that it was made
/// on, and a server's runtimes come and go with its listeners.
pub(crate) fn runtime() -> Result<Handle, Error> {
    static RUNTIME: Mutex<Option<Runtime>> = Mutex::new(None);
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = &*runtime {
        return Ok(runtime.handle().clone());
    }
    let built = Builder::new_multi_thread().worker_threads(1).thread_name("livepool").enable_all().build();
    let built =
        built.map_err(|error| Error::Refused(format!("cannot start the thread of the pool: {error}")))?;
    Ok(runtime.insert(built).handle().clone())
}
