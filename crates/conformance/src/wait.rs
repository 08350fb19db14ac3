//! Waiting for a condition.

use crate::Failed;
use std::{
    thread::sleep,
    time::{Duration, Instant},
};

/// Upper bound on the time until a condition holds. It is far above the usual time, because the machine may be busy. At a load
/// of 38 on 2 cores, starts and edits took longer than 10 s. It is below the 30 s that a server waits for a successor. So a
/// claim about a stop notices such a wait.
pub const DEADLINE: Duration = Duration::from_secs(25);

const PAUSE: Duration = Duration::from_millis(4);

/// Calls `ask` until it returns a value, and returns that. Fails after [`DEADLINE`]; the error names `what`.
pub fn wait_for<T>(what: &str, ask: impl FnMut() -> Option<T>) -> Result<T, Failed> {
    wait_as_long_as(DEADLINE, what, ask)
}

/// Like [`wait_for`], with another deadline.
pub(crate) fn wait_as_long_as<T>(
    deadline: Duration,
    what: &str,
    mut ask: impl FnMut() -> Option<T>,
) -> Result<T, Failed> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Ok(answer);
        }
        if start.elapsed() > deadline {
            return Err(format!("waited {deadline:?} in vain for {what}").into());
        }
        sleep(PAUSE);
    }
}

/// Waits until a condition holds, like [`wait_for`].
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) -> Result<(), Failed> {
    wait_for(what, || holds().then_some(()))
}
