//! The first of three layers: the platform's watcher. It gets folders and names, and reports their events.

#[cfg(all(target_os = "linux", not(feature = "notify")))]
mod inotify;
pub(crate) mod message;
#[cfg(any(not(target_os = "linux"), feature = "notify"))]
mod notify;
pub(crate) mod sender;
pub(crate) mod watch_error;

#[cfg(all(target_os = "linux", not(feature = "notify")))]
pub(crate) use inotify::Backend;
#[cfg(any(not(target_os = "linux"), feature = "notify"))]
pub(crate) use notify::Backend;
