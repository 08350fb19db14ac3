//! Faults that a test asks for at the steps of an upgrade. They are compiled in with the feature `failpoints` alone.
//!
//! `DEMO_FAULT=once@PATH` names a file that holds `kill@STEP` or `stall@STEP`. The first process that reaches the step removes
//! the file and sends itself `SIGKILL` or `SIGSTOP`. So one upgrade fails and the next one does not, and the missing file shows
//! that the step was reached.
//!
//! | step of the old process | | step of the new one | |
//! | --- | --- | --- | --- |
//! | `old.copied` | the program is in memory | `new.begun` | nothing was done yet |
//! | `old.verified` | it may be started | `new.reading` | it has what was handed over |
//! | `old.started` | it was | `new.ready` | it said `READY=1` |
//! | `old.permitting` | heard `READY=1` | `new.permitted` | it heard `GO=1` |
//! | `old.permitted` | said `GO=1` | `new.entering` | the process file is its own |
//! | `old.draining` | heard `SERVING=1`, drains | `new.serving` | it accepts, and did not say so yet |
//! | `old.drained` | nothing is left but to watch | `new.probation` | it said `SERVING=1` |

/// True if this build has failpoints: the feature `failpoints`, on Unix.
pub const COMPILED_IN: bool = cfg!(all(feature = "failpoints", unix));

/// Kills or stops this process if a test has asked for that at this step.
#[cfg(all(feature = "failpoints", unix))]
#[allow(unsafe_code, reason = "rustix cannot send a signal to a thread")]
pub fn strike(step: &str) {
    let asked = std::env::var("DEMO_FAULT").ok();
    let Some(path) = asked.as_deref().and_then(|asked| asked.strip_prefix("once@")) else { return };
    let fault = std::fs::read_to_string(path).unwrap_or_default();
    let signal = match fault.split_once('@') {
        Some(("kill", at)) if at == step => libc::SIGKILL,
        Some(("stall", at)) if at == step => libc::SIGSTOP,
        _ => return,
    };
    if std::fs::remove_file(path).is_ok() {
        // This thread gets the signal, so it does not run on. A signal for the process may reach another thread first.
        // SAFETY: It takes a number.
        unsafe { libc::raise(signal) };
    }
}

/// Does nothing: this build has no failpoints.
#[cfg(not(all(feature = "failpoints", unix)))]
pub fn strike(_step: &str) {}
