//! Work on threads of its own, where the system may refuse a thread.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Runs `work` with `value` on a new thread. If the system refuses one, at its limit of threads or memory, the value comes back
/// with the error. So the caller can do without.
pub(crate) fn start<T: Send + 'static>(
    name: &str,
    value: T,
    work: impl FnOnce(T) + Send + 'static,
) -> Result<(), (io::Error, Option<T>)> {
    let slot = Arc::new(Mutex::new(Some(value)));
    let theirs = Arc::clone(&slot);
    let take = |slot: &Mutex<Option<T>>| slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    let run = move || {
        if let Some(value) = take(&theirs) {
            work(value);
        }
    };
    thread::Builder::new().name(name.to_owned()).spawn(run).map(drop).map_err(|error| (error, take(&slot)))
}
