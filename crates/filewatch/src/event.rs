//! What a watcher's event says about one name in one folder.

use std::path::PathBuf;
use std::sync::mpsc::Sender;

/// What reaches the watching thread, in the order in which it happened.
#[derive(Debug)]
pub(crate) enum Hint {
    /// Something happened to this path, a name in a watched folder.
    Seen(Sign, PathBuf),
    /// Events were dropped, or the watcher failed: anything may have changed.
    Lost,
    /// The watcher with this number has ended.
    Died(u64),
    /// A rebuild was asked for.
    Request,
    /// Whoever sent this wants to be told when nothing is under suspicion.
    Rest(Sender<()>),
    /// The last handle is gone.
    Stop,
}

/// What an event says, reduced to what a decision needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// A writer closed it: whole, as far as that writer is concerned.
    Closed,
    /// It was renamed to this name: whole, since it was written under another.
    Arrived,
    /// It was renamed away. Says nothing about what is there now (two files may have been exchanged).
    Left,
    /// It was made: by `open`, and then writing follows; by `link`, and then nothing does.
    Made,
    /// It was removed.
    Gone,
    /// Bytes were written or cut off: more may follow.
    Written,
    /// Times, mode or owner changed: the bytes did not.
    Touched,
}
