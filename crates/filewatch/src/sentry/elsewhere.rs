//! `notify`, on its own thread, either of which may fail: for systems that are not Linux.

use crate::event::{Hint, Sign};
use crate::letters::Letters;
use crate::rebuild_lock::RebuildLock;
use crate::sentry::Refusal;
use crate::ward::{Wards, awaits};
use arc_swap::ArcSwap;
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind, RenameMode};
use notify::{Config, ErrorKind, Event, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

/// So long is a dismissed thread waited for.
const LAST_BREATH: Duration = Duration::from_secs(1);

pub(crate) struct Sentry {
    watcher: Option<RecommendedWatcher>,
    wards: Arc<ArcSwap<Wards>>,
    /// Ends when the watcher's thread has ended.
    breath: Receiver<()>,
}

/// Whoever waits is woken by the letter itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bell(());

impl Sentry {
    pub(crate) fn absent() -> Self {
        Self { watcher: None, wards: Arc::default(), breath: mpsc::channel().1 }
    }

    /// Absent if the system will not have one more. It tells of its own end by its number.
    pub(crate) fn post(number: u64, held_back: Option<RebuildLock>, letters: &Letters) -> Self {
        let wards = Arc::<ArcSwap<Wards>>::default();
        let (alive, breath) = mpsc::channel();
        let ending = Ending { number, letters: letters.clone(), _alive: alive };
        let awaited = Arc::clone(&wards);
        let heard = move |event| {
            let _held = held_back.as_ref().map(RebuildLock::hold);
            hear(&awaited, &ending.letters, event);
        };
        Self { watcher: RecommendedWatcher::new(heard, Config::default()).ok(), wards, breath }
    }

    pub(crate) fn is_absent(&self) -> bool {
        self.watcher.is_none()
    }

    /// Says only what these wait for.
    pub(crate) fn attend(&mut self, wards: &Arc<Wards>) {
        self.wards.store(Arc::clone(wards));
    }

    pub(crate) fn watch(&mut self, folder: &Path) -> Result<(), Refusal> {
        let watched = self.ask(|watcher| watcher.watch(folder, RecursiveMode::NonRecursive));
        watched.ok_or(Refusal::Absent)?.map_err(|error| match error.kind {
            ErrorKind::PathNotFound => Refusal::Missing,
            ErrorKind::MaxFilesWatch => Refusal::Limit,
            _ => Refusal::Unwatchable,
        })
    }

    /// Does not watch this folder any more, if it did.
    pub(crate) fn unwatch(&mut self, folder: &Path) {
        let _ = self.ask(|watcher| watcher.unwatch(folder));
    }

    /// Waits until something is heard, but no longer than this.
    #[expect(clippy::unused_self, reason = "with inotify it is the sentry that hears")]
    pub(crate) fn wait(&mut self, inbox: &Receiver<Hint>, left: Duration, heard: &mut VecDeque<Hint>) {
        heard.extend(inbox.recv_timeout(left));
    }

    /// Hears all that has happened by now, as far as the watcher's thread does in turn what it is asked. False if that cannot be.
    pub(crate) fn catch_up(&mut self, _: &mut VecDeque<Hint>) -> bool {
        matches!(self.ask(|watcher| watcher.configure(Config::default())), Some(Ok(_)))
    }

    /// Asks something of the watcher. It panics when its thread is gone: then it is let go of, and there is no answer.
    fn ask<R>(&mut self, act: impl FnOnce(&mut RecommendedWatcher) -> R) -> Option<R> {
        let watcher = self.watcher.as_mut()?;
        let done = panic::catch_unwind(AssertUnwindSafe(|| act(watcher)));
        if done.is_err() {
            self.dismiss();
        }
        done.ok()
    }

    /// Lets go of the watcher, and waits for its thread. That it is gone already makes the watcher panic once more, after which all
    /// that it held is free.
    fn dismiss(&mut self) {
        let Some(watcher) = self.watcher.take() else { return };
        if panic::catch_unwind(AssertUnwindSafe(|| drop(watcher))).is_ok() {
            // Nothing is ever sent; the other end is dropped with the thread.
            let _ = self.breath.recv_timeout(LAST_BREATH);
        }
    }
}

impl Drop for Sentry {
    fn drop(&mut self) {
        self.dismiss();
    }
}

impl Bell {
    #[expect(clippy::unused_self, reason = "with inotify there is one to ring")]
    pub(crate) fn ring(&self) {}
}

/// Dropped with the watcher's thread.
struct Ending {
    number: u64,
    letters: Letters,
    _alive: Sender<()>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.letters.send(Hint::Died(self.number));
    }
}

/// Runs on the watcher's thread, for every event of every folder: says little, and drops what nobody waits for.
fn hear(wards: &ArcSwap<Wards>, letters: &Letters, event: notify::Result<Event>) {
    match event {
        Ok(event) if !event.need_rescan() => {
            let Some(sign) = sign(event.kind) else { return };
            let wards = wards.load();
            for path in event.paths.into_iter().filter(|path| awaits(&wards, path) != Some(false)) {
                letters.send(Hint::Seen(sign, path));
            }
        }
        Ok(_) | Err(_) => letters.send(Hint::Lost),
    }
}

/// What an event of this kind says, if anything. Of the three events of a rename the one with both names says nothing new.
fn sign(kind: EventKind) -> Option<Sign> {
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
    use super::sign;
    use crate::event::Sign;
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
