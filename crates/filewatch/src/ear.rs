//! Hears what happens in the folders that matter.

use crate::degraded::Degraded;
use crate::event::Hint;
use crate::fingerprint::Id;
use crate::letters::Letters;
use crate::rebuild_lock::RebuildLock;
use crate::sentry::{Refusal, Sentry};
use crate::ward::{Wards, awaits, is_remote};
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

pub(crate) struct Ear {
    number: u64,
    sentry: Sentry,
    wards: Arc<Wards>,
    watched: HashMap<PathBuf, Id>,
    /// Folders that the watcher may or may not have forgotten.
    doubtful: HashSet<PathBuf>,
    refused: HashMap<PathBuf, Degraded>,
    remote: HashSet<PathBuf>,
}

impl Ear {
    /// An ear that hears nothing.
    pub(crate) fn deaf() -> Self {
        Self::new(0, Sentry::absent())
    }

    /// An ear that hears what it was told to attend to, or a deaf one.
    pub(crate) fn open(number: u64, held_back: Option<RebuildLock>, letters: &Letters) -> Self {
        Self::new(number, Sentry::post(number, held_back, letters))
    }

    fn new(number: u64, sentry: Sentry) -> Self {
        Self {
            number,
            sentry,
            wards: Arc::default(),
            watched: HashMap::new(),
            doubtful: HashSet::new(),
            refused: HashMap::new(),
            remote: HashSet::new(),
        }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn is_deaf(&self) -> bool {
        self.sentry.is_absent()
    }

    /// Whether this folder's changes are heard of, all of them.
    pub(crate) fn hears(&self, folder: &Path) -> bool {
        self.watched.contains_key(folder) && !self.remote.contains(folder)
    }

    pub(crate) fn is_remote(&self, folder: &Path) -> bool {
        self.remote.contains(folder)
    }

    /// Whether `path` is a name that is waited for; `None` if its folder's owner must say.
    pub(crate) fn awaits(&self, path: &Path) -> Option<bool> {
        awaits(&self.wards, path)
    }

    /// Attends to these folders and names, and to nothing else. True if a folder is heard now that was not before:
    /// whatever was found in it must be looked up again.
    pub(crate) fn attend(&mut self, wards: Wards) -> bool {
        let wards = Arc::new(wards);
        // First the names, then the watches: what is heard of a name before it is known is dropped.
        self.wards = Arc::clone(&wards);
        self.sentry.attend(&wards);
        // The watch of a folder that was renamed away follows it, so it must be removed.
        let known = self.watched.keys().chain(&self.doubtful);
        let gone: Vec<PathBuf> = known.filter(|folder| !wards.contains_key(*folder)).cloned().collect();
        for folder in gone {
            self.watched.remove(&folder);
            self.doubtful.remove(&folder);
            self.sentry.unwatch(&folder);
        }
        self.refused.retain(|folder, _| wards.contains_key(folder));
        self.remote.retain(|folder| wards.contains_key(folder));
        let mut news = false;
        // Should the system's limit be near, the folders that hold files come before those that lead there.
        let (vital, passed): (Vec<_>, Vec<_>) = wards.iter().partition(|(_, ward)| ward.vital);
        for (folder, ward) in vital.into_iter().chain(passed) {
            if self.watched.get(folder) == Some(&ward.id) || self.refused.contains_key(folder) {
                continue;
            }
            if ward.vital && is_remote(folder) {
                self.remote.insert(folder.clone());
            }
            let known = self.watched.remove(folder).is_some() || self.doubtful.remove(folder);
            if known {
                self.sentry.unwatch(folder);
            }
            news |= self.watch(folder, ward.id, ward.vital);
        }
        self.doubtful.clear();
        news
    }

    /// Whether there are folders of which it does not know whether they are watched.
    pub(crate) fn doubts(&self) -> bool {
        !self.doubtful.is_empty()
    }

    /// The watch of this folder and of those below it may be gone.
    pub(crate) fn doubt(&mut self, path: &Path) {
        let doubtful = self.watched.keys().filter(|folder| folder.starts_with(path));
        let doubtful: Vec<PathBuf> = doubtful.cloned().collect();
        for folder in doubtful {
            self.watched.remove(&folder);
            self.doubtful.insert(folder);
        }
    }

    /// Waits until something is heard, or somebody else has written, but no longer than this.
    pub(crate) fn wait(&mut self, inbox: &Receiver<Hint>, left: Duration, heard: &mut VecDeque<Hint>) {
        self.sentry.wait(inbox, left, heard);
    }

    /// Hears all that has happened by now. False if that cannot be.
    pub(crate) fn catch_up(&mut self, heard: &mut VecDeque<Hint>) -> bool {
        self.sentry.catch_up(heard)
    }

    /// What is wrong with it.
    pub(crate) fn faults(&self) -> BTreeSet<Degraded> {
        let mut faults: BTreeSet<Degraded> = self.refused.values().copied().collect();
        if self.is_deaf() {
            faults.insert(Degraded::NoEvents);
        }
        if !self.remote.is_empty() {
            faults.insert(Degraded::Remote);
        }
        faults
    }

    /// Tries again, the next time, to watch what could not be watched.
    pub(crate) fn forgive(&mut self) {
        self.refused.clear();
    }

    fn watch(&mut self, folder: &Path, id: Id, vital: bool) -> bool {
        match self.sentry.watch(folder) {
            Ok(()) => {
                self.watched.insert(folder.to_owned(), id);
                true
            }
            // It went away since it was found: look again.
            Err(Refusal::Missing) => true,
            Err(Refusal::Limit) => {
                self.refused.insert(folder.to_owned(), Degraded::WatchLimit);
                false
            }
            Err(Refusal::Unwatchable) => {
                if vital {
                    self.refused.insert(folder.to_owned(), Degraded::Unwatchable);
                }
                false
            }
            Err(Refusal::Absent) => false,
        }
    }
}
