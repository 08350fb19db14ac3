//! The workloads of a storm.

use std::path::PathBuf;

use crate::{
    saves::{How, Saves},
    text::Text,
};

/// A workload. Each one rests for 25 ms after some saves, as every real writer does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) how: How,
    /// The longest pause between two steps of a save, in microseconds.
    pub(crate) gap: u64,
    /// The longest pause after a save, in microseconds.
    pub(crate) pause: u64,
    pub(crate) rest_every: u64,
    /// The approximate size of a text in bytes, where it can vary.
    size: usize,
    /// The number of saves is divided by this, because slow saves take long.
    share: u64,
}

/// An editor, a thousand times as fast.
pub(crate) const USUAL: Workload = Workload {
    name: "in place",
    how: How::InPlace,
    gap: 200,
    pause: 600,
    rest_every: 100,
    size: 3500,
    share: 1,
};

/// A writer that never publishes a partial text.
pub(crate) const BY_RENAME: Workload = Workload { name: "by rename", how: How::ByRename, ..USUAL };

/// The next save begins while the last one is read. At first only its bytes differ, so the reader needs the events that came
/// meanwhile.
pub(crate) const HASTY: Workload =
    Workload { name: "written over, the next at once", how: How::Over, gap: 100, pause: 20, ..USUAL };

/// A large file has its new length before `ftruncate` returns and its event comes. The reader needs the lock.
pub(crate) const CUT: Workload = Workload {
    name: "cut, then written, 1 MB",
    how: How::Cut,
    gap: 100,
    pause: 60,
    rest_every: 20,
    size: 1_000_000,
    share: 20,
};

/// An emptied file looks complete. The reader needs the rule for empty files.
pub(crate) const EMPTIED: Workload = Workload { name: "emptied, then written", how: How::Twice, ..USUAL };

/// A large file changes while it is read. The reader needs to compare its state before and after.
pub(crate) const LARGE: Workload = Workload {
    name: "in place, 1 MB",
    how: How::Streamed,
    rest_every: 20,
    size: 1_000_000,
    share: 20,
    ..USUAL
};

impl Workload {
    /// The arguments of its writer, for this folder.
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
