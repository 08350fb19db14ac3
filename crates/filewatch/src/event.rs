//! What a watcher's event says about one name in one folder.

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind, RenameMode};
use std::path::PathBuf;
use std::sync::mpsc::Sender;

/// What reaches the watching thread, in the order in which it happened.
#[derive(Debug)]
pub(crate) enum Hint {
    /// Something happened to this path, a name in a watched folder.
    Seen(Sign, PathBuf),
    /// The marker with this number was touched: every earlier event has been heard.
    Marker(u64),
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

/// The sign in an event of this kind, if there is one.
///
/// Opening a file is an event to `notify` 8, so a reader that acts on every event feeds itself:
/// of the accesses only the end of writing counts. Of the three events of a rename the one with both names says nothing new.
pub(crate) fn sign(kind: EventKind) -> Option<Sign> {
    Some(match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Sign::Closed,
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => return None,
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => Sign::Arrived,
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) => Sign::Left,
        EventKind::Modify(ModifyKind::Metadata(_)) => Sign::Touched,
        EventKind::Modify(_) | EventKind::Any | EventKind::Other => Sign::Written,
        EventKind::Create(_) => Sign::Made,
        EventKind::Remove(_) => Sign::Gone,
    })
}

#[cfg(test)]
mod tests {
    use super::{Sign, sign};
    use notify::event::{
        AccessKind, AccessMode, CreateKind, DataChange, EventKind, MetadataKind, ModifyKind, RemoveKind,
        RenameMode,
    };

    #[test]
    fn every_event_has_the_sign_that_its_kind_deserves() {
        let rows = [
            (EventKind::Access(AccessKind::Open(AccessMode::Any)), None),
            (EventKind::Access(AccessKind::Close(AccessMode::Read)), None),
            (EventKind::Access(AccessKind::Read), None),
            (EventKind::Access(AccessKind::Close(AccessMode::Write)), Some(Sign::Closed)),
            (EventKind::Modify(ModifyKind::Name(RenameMode::To)), Some(Sign::Arrived)),
            (EventKind::Modify(ModifyKind::Name(RenameMode::From)), Some(Sign::Left)),
            (EventKind::Modify(ModifyKind::Name(RenameMode::Both)), None),
            (EventKind::Modify(ModifyKind::Data(DataChange::Any)), Some(Sign::Written)),
            (EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)), Some(Sign::Touched)),
            (EventKind::Modify(ModifyKind::Any), Some(Sign::Written)),
            (EventKind::Create(CreateKind::File), Some(Sign::Made)),
            (EventKind::Create(CreateKind::Folder), Some(Sign::Made)),
            (EventKind::Remove(RemoveKind::Folder), Some(Sign::Gone)),
            (EventKind::Any, Some(Sign::Written)),
        ];
        for (kind, expected) in rows {
            assert_eq!(sign(kind), expected, "{kind:?}");
        }
    }
}
