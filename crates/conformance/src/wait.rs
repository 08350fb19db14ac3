//! Waiting for a condition.

use crate::Failed;
use std::{
    thread::sleep,
    time::{Duration, Instant},
};

/// How long a condition may take to come true: far above what any takes, since a busy machine is no fault of a server.
pub const DEADLINE: Duration = Duration::from_secs(10);

const PAUSE: Duration = Duration::from_millis(4);

/// Asks until there is an answer, and hands it over; after [`DEADLINE`] it fails, saying `what` was waited for.
pub fn wait_for<T>(what: &str, ask: impl FnMut() -> Option<T>) -> Result<T, Failed> {
    wait_as_long_as(DEADLINE, what, ask)
}

/// Like [`wait_for`], for what may take `deadline`.
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

/// Like [`wait_for`], for a condition.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) -> Result<(), Failed> {
    wait_for(what, || holds().then_some(()))
}
