/// Why a folder is not watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchError {
    /// The folder is gone.
    Missing,
    /// The limit of the system is reached.
    Limit,
    /// The system refuses to watch the folder.
    Refused,
    /// The watcher's thread has ended. A message says so, too.
    #[cfg(any(not(target_os = "linux"), feature = "notify"))]
    BackendFailed,
}
