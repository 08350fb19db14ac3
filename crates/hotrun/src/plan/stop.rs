//! The end of a plan's servers.

use std::time::Duration;

/// From the signal to `SIGKILL`. Longer than the drain of lifecycle's servers; air has no delay.
const KILL_DELAY: Duration = Duration::from_secs(10);

/// Upper bound on the wait for the requests of a program that does not drain by itself.
const DRAIN: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub(crate) struct Stop {
    pub(crate) signal: Signal,
    /// From the signal to `SIGKILL`.
    pub(crate) kill_delay: Duration,
    /// Upper bound on the wait for requests before the signal.
    pub(crate) drain: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Term,
    Int,
}

impl Stop {
    pub(super) fn of(
        interrupts: Option<bool>,
        kill_delay: Option<Duration>,
        drain: Option<Duration>,
    ) -> Self {
        Self {
            signal: if interrupts == Some(true) { Signal::Int } else { Signal::Term },
            kill_delay: kill_delay.unwrap_or(KILL_DELAY),
            drain: drain.unwrap_or(DRAIN),
        }
    }
}

impl Signal {
    pub(crate) fn number(self) -> i32 {
        match self {
            Signal::Term => libc::SIGTERM,
            Signal::Int => libc::SIGINT,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Signal::Term => "SIGTERM",
            Signal::Int => "SIGINT",
        }
    }
}
