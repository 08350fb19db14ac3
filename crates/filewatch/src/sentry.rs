//! The system's own watcher: told of folders, it hears of every event in them, and says little.

#[cfg(any(not(target_os = "linux"), filewatch_elsewhere))]
mod elsewhere;
#[cfg(all(target_os = "linux", not(filewatch_elsewhere)))]
mod inotify;

#[cfg(any(not(target_os = "linux"), filewatch_elsewhere))]
pub(crate) use elsewhere::{Bell, Sentry};
#[cfg(all(target_os = "linux", not(filewatch_elsewhere)))]
pub(crate) use inotify::{Bell, Sentry};

/// Why a folder is not watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no such folder any more.
    Missing,
    /// The system's limit is reached.
    Limit,
    /// The system will not have it.
    Unwatchable,
    /// The sentry has failed.
    Absent,
}
