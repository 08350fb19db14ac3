//! The storms that there are.

use std::path::PathBuf;

use crate::{
    saves::{How, Saves},
    text::Text,
};

/// One kind of storm. All rest for 25 ms after some saves, as every writer does in the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) how: How,
    /// The longest pause between two steps of a save, in microseconds.
    pub(crate) gap: u64,
    /// The longest pause after a save, in microseconds.
    pub(crate) pause: u64,
    pub(crate) rest_every: u64,
    /// About how many bytes a text has, where it may have any.
    size: usize,
    /// How many are called for where one is made: of the slow ones there are fewer.
    share: u64,
}

/// An editor, were it a thousand times as fast.
pub(crate) const USUAL: Workload = Workload {
    name: "in place",
    how: How::InPlace,
    gap: 200,
    pause: 600,
    rest_every: 100,
    size: 3500,
    share: 1,
};

/// A writer who never shows half a text.
pub(crate) const BY_RENAME: Workload = Workload { name: "by rename", how: How::ByRename, ..USUAL };

/// The next save begins while the last one is read, and shows in nothing but its bytes at first: it needs the events of the
/// meantime most.
pub(crate) const HASTY: Workload =
    Workload { name: "written over, the next at once", how: How::Over, gap: 100, pause: 20, ..USUAL };

/// A large file that is cut shows that before the call that cuts it is over, and its event comes: it needs the lock most.
pub(crate) const CUT: Workload = Workload {
    name: "cut, then written, 1 MB",
    how: How::Cut,
    gap: 100,
    pause: 60,
    rest_every: 20,
    size: 1_000_000,
    share: 20,
};

/// A file that is emptied looks done: it needs the rule for empty files most.
pub(crate) const EMPTIED: Workload = Workload { name: "emptied, then written", how: How::Twice, ..USUAL };

/// What takes long to read and to cut off is overtaken while it is read: it needs the two looks most.
pub(crate) const LARGE: Workload = Workload {
    name: "in place, 1 MB",
    how: How::Streamed,
    rest_every: 20,
    size: 1_000_000,
    share: 20,
    ..USUAL
};

impl Workload {
    /// What the writer of it does, in this folder.
    pub(crate) fn saves(self, folder: PathBuf, count: u64) -> Saves {
        let Workload { how, gap, pause, rest_every, size, share, .. } = self;
        Saves {
            folder,
            what: Text::Lines,
            how,
            first: 1,
            count: (count / share).max(1),
            gap,
            pause,
            rest_every,
            rest: 25,
            size,
        }
    }
}
