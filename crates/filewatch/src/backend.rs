//! The first of three layers: the platform's watcher. It gets folders and names, and reports their events.

#[cfg(all(target_os = "linux", not(feature = "notify")))]
mod inotify;
#[cfg(any(not(target_os = "linux"), feature = "notify"))]
mod notify;

#[cfg(all(target_os = "linux", not(feature = "notify")))]
pub(crate) use inotify::{Backend, Waker};
#[cfg(any(not(target_os = "linux"), feature = "notify"))]
pub(crate) use notify::{Backend, Waker};

/// Why a folder is not watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchError {
    /// The folder is gone.
    Missing,
    /// The limit of the system is reached.
    Limit,
    /// The system refuses to watch the folder.
    Refused,
    /// There is no platform watcher, or it has failed.
    NoBackend,
}
