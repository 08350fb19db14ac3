//! The crate `notify`, which watches on a thread of its own. It and its thread may fail.

use crate::backend::message::{EventKind, Message};
use crate::backend::sender::Sender;
use crate::backend::watch_error::WatchError;
use crate::dir_filter::{DirFilters, accepts};
use crate::switches::Switches;
use arc_swap::ArcSwap;
use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Config, ErrorKind, Event, EventKind as Kind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// Upper bound on the wait for the end of a closed watcher's thread.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

pub(crate) struct Backend {
    /// None when it has failed.
    watcher: Option<RecommendedWatcher>,
    filters: Arc<ArcSwap<DirFilters>>,
    /// Disconnected when the watcher's thread has ended.
    thread: Receiver<()>,
}

impl Backend {
    /// Opens a watcher, or none if the system refuses. `number` identifies it in [`Message::BackendFailed`].
    pub(crate) fn open(number: u64, switches: &Switches, sender: &Sender) -> Option<Self> {
        let filters = Arc::<ArcSwap<DirFilters>>::default();
        let (running, thread) = mpsc::channel();
        let end = ThreadEnd { number, sender: sender.clone(), _running: running };
        let (current, switches) = (Arc::clone(&filters), switches.clone());
        let report = move |event| {
            let _held = switches.hold_back();
            report(&current, &end.sender, event);
        };
        let watcher = Some(RecommendedWatcher::new(report, Config::default()).ok()?);
        Some(Self { watcher, filters, thread })
    }

    /// Reports only the names that these filters accept.
    pub(crate) fn set_filters(&mut self, filters: &Arc<DirFilters>) {
        self.filters.store(Arc::clone(filters));
    }

    pub(crate) fn watch(&mut self, folder: &Path) -> Result<(), WatchError> {
        let watched = self.call(|watcher| watcher.watch(folder, RecursiveMode::NonRecursive));
        watched.ok_or(WatchError::BackendFailed)?.map_err(|error| match error.kind {
            ErrorKind::PathNotFound => WatchError::Missing,
            ErrorKind::MaxFilesWatch => WatchError::Limit,
            _ => WatchError::Refused,
        })
    }

    /// Ends the watching of this folder, if it was watched.
    pub(crate) fn unwatch(&mut self, folder: &Path) {
        let _ = self.call(|watcher| watcher.unwatch(folder));
    }

    /// Waits for an event or a message, for `timeout` at most.
    #[expect(clippy::unused_self, reason = "the other backend reads its own queue")]
    pub(crate) fn wait(
        &mut self,
        inbox: &Receiver<Message>,
        timeout: Duration,
        messages: &mut VecDeque<Message>,
    ) {
        messages.extend(inbox.recv_timeout(timeout));
    }

    /// Waits until the watcher's thread has reported everything that has happened so far. That holds if the thread does in turn
    /// what it is asked. False if the watcher has failed.
    pub(crate) fn read_all(&mut self, _: &mut VecDeque<Message>) -> bool {
        matches!(self.call(|watcher| watcher.configure(Config::default())), Some(Ok(_)))
    }

    /// Calls the watcher. It panics when its thread is gone: then it is closed, and there is no result.
    fn call<R>(&mut self, act: impl FnOnce(&mut RecommendedWatcher) -> R) -> Option<R> {
        let watcher = self.watcher.as_mut()?;
        let done = panic::catch_unwind(AssertUnwindSafe(|| act(watcher)));
        if done.is_err() {
            self.close();
        }
        done.ok()
    }

    /// Drops the watcher and waits for its thread. If the thread is gone, the drop panics once more; then nothing is left of it.
    fn close(&mut self) {
        let Some(watcher) = self.watcher.take() else { return };
        if panic::catch_unwind(AssertUnwindSafe(|| drop(watcher))).is_ok() {
            // Nothing is ever sent. The other end is dropped with the thread.
            let _ = self.thread.recv_timeout(CLOSE_TIMEOUT);
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.close();
    }
}

/// Dropped with the watcher's thread.
struct ThreadEnd {
    number: u64,
    sender: Sender,
    _running: mpsc::Sender<()>,
}

impl Drop for ThreadEnd {
    fn drop(&mut self) {
        self.sender.send(Message::BackendFailed(self.number));
    }
}

/// Runs on the watcher's thread for every event of every folder. Drops the names that no filter accepts.
fn report(filters: &ArcSwap<DirFilters>, sender: &Sender, event: notify::Result<Event>) {
    match event {
        Ok(event) if !event.need_rescan() => {
            let Some(kind) = kind(event.kind) else { return };
            let filters = filters.load();
            for path in event.paths.into_iter().filter(|path| accepts(&filters, path) != Some(false)) {
                sender.send(Message::Event(kind, path));
            }
        }
        Ok(_) | Err(_) => sender.send(Message::EventsLost),
    }
}

/// A rename makes three events. The one with both names says nothing that the others do not.
fn kind(kind: Kind) -> Option<EventKind> {
    Some(match kind {
        Kind::Access(AccessKind::Close(AccessMode::Write)) => EventKind::Closed,
        Kind::Access(_) | Kind::Modify(ModifyKind::Name(RenameMode::Both)) => return None,
        Kind::Modify(ModifyKind::Name(RenameMode::To)) => EventKind::MovedHere,
        Kind::Modify(ModifyKind::Name(RenameMode::From)) => EventKind::MovedAway,
        Kind::Modify(ModifyKind::Metadata(_)) => EventKind::Touched,
        Kind::Modify(_) | Kind::Any | Kind::Other => EventKind::Written,
        Kind::Create(_) => EventKind::Created,
        Kind::Remove(_) => EventKind::Removed,
    })
}

#[cfg(test)]
mod tests {
    use super::kind;
    use crate::backend::message::EventKind;
    use notify::event::{
        AccessKind, AccessMode, CreateKind, DataChange, EventKind as Kind, MetadataKind, ModifyKind,
        RemoveKind, RenameMode,
    };

    #[test]
    fn every_event_has_its_kind() {
        let rows = [
            (Kind::Access(AccessKind::Open(AccessMode::Any)), None),
            (Kind::Access(AccessKind::Close(AccessMode::Read)), None),
            (Kind::Access(AccessKind::Read), None),
            (Kind::Access(AccessKind::Close(AccessMode::Write)), Some(EventKind::Closed)),
            (Kind::Modify(ModifyKind::Name(RenameMode::To)), Some(EventKind::MovedHere)),
            (Kind::Modify(ModifyKind::Name(RenameMode::From)), Some(EventKind::MovedAway)),
            (Kind::Modify(ModifyKind::Name(RenameMode::Both)), None),
            (Kind::Modify(ModifyKind::Data(DataChange::Any)), Some(EventKind::Written)),
            (Kind::Modify(ModifyKind::Metadata(MetadataKind::Any)), Some(EventKind::Touched)),
            (Kind::Modify(ModifyKind::Any), Some(EventKind::Written)),
            (Kind::Create(CreateKind::File), Some(EventKind::Created)),
            (Kind::Create(CreateKind::Folder), Some(EventKind::Created)),
            (Kind::Remove(RemoveKind::Folder), Some(EventKind::Removed)),
            (Kind::Any, Some(EventKind::Written)),
        ];
        for (event, expected) in rows {
            assert_eq!(kind(event), expected, "{event:?}");
        }
    }
}
