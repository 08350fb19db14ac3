//! Messages to the watching thread.

use std::path::PathBuf;
#[cfg(feature = "testing")]
use std::sync::mpsc;

/// A message to the watching thread. Messages are taken in the order in which things happened.
#[derive(Debug)]
pub(crate) enum Message {
    /// An event at this path, a name in a watched folder.
    Event(EventKind, PathBuf),
    /// Events were dropped, or the backend failed: anything may have changed.
    EventsLost,
    /// The backend with this number has failed for good.
    BackendFailed(u64),
    /// A rebuild was requested.
    Rebuild,
    /// The sender wants an answer when everything was looked at and nothing is pending.
    #[cfg(feature = "testing")]
    WhenSettled(mpsc::Sender<()>),
    /// The last handle was dropped.
    Stop,
}

/// The kind of an event, as far as a decision depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventKind {
    /// A writer closed the file: it is complete, as far as that writer is concerned.
    Closed,
    /// The file was renamed to this name: it is complete, since it was written under another name.
    MovedHere,
    /// The file was renamed away. That says nothing about what has the name now: two files may have been exchanged.
    MovedAway,
    /// The file was created: by `open`, and then writes follow, or by `link`, and then none do.
    Created,
    /// The file was removed.
    Removed,
    /// Bytes were written or cut off: more may follow.
    Written,
    /// Times, mode or owner changed. The bytes did not.
    Touched,
}

impl EventKind {
    /// True if the name may mean another file or folder now.
    pub(crate) fn changes_names(self) -> bool {
        matches!(self, Self::MovedHere | Self::MovedAway | Self::Created | Self::Removed)
    }
}
