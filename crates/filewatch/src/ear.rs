//! Hears what happens in the folders that matter.

use crate::degraded::Degraded;
use crate::event::Hint;
use crate::fingerprint::Id;
use crate::gate::Gate;
use crate::marker::Markers;
use crate::sentry::Sentry;
use crate::ward::{Wards, awaits, is_remote};
use arc_swap::ArcSwap;
use notify::{Config, ErrorKind, RecursiveMode, Watcher};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

pub(crate) struct Ear {
    number: u64,
    sentry: Sentry,
    markers: Option<Markers>,
    wards: Arc<ArcSwap<Wards>>,
    watched: HashMap<PathBuf, Id>,
    /// Folders that the watcher may or may not have forgotten.
    doubtful: HashSet<PathBuf>,
    refused: HashMap<PathBuf, Degraded>,
    remote: HashSet<PathBuf>,
    /// Markers that were touched and not heard of yet. Touches cannot be told apart, so no marker in here is touched again.
    late: HashSet<u64>,
}

/// How to find out that everything before has been heard.
pub(crate) enum Barrier {
    /// When the marker that was touched now is heard of.
    Marker,
    /// Not before all that were touched earlier are heard of.
    Late,
    /// At once, what is in the channel is all.
    Passed,
    /// Not at all: the watcher does not work.
    Broken,
}

impl Ear {
    /// An ear that hears nothing.
    pub(crate) fn deaf() -> Self {
        Self::new(0, Arc::default(), Sentry::absent())
    }

    /// Tells `hints` what it hears, from when it was told what to attend to. What came of setting it up goes to `backlog`.
    pub(crate) fn open(
        number: u64,
        held_back: Option<Gate>,
        hints: &Sender<Hint>,
        inbox: &Receiver<Hint>,
        backlog: &mut Vec<Hint>,
    ) -> Self {
        let wards = Arc::<ArcSwap<Wards>>::default();
        let sentry = Sentry::post(number, Arc::clone(&wards), held_back, hints);
        let mut ear = Self::new(number, wards, sentry);
        ear.place_markers(inbox, backlog);
        ear
    }

    /// Tries to make markers. What else is heard meanwhile goes to `backlog`.
    pub(crate) fn place_markers(&mut self, inbox: &Receiver<Hint>, backlog: &mut Vec<Hint>) {
        self.markers = self.sentry.ask(|watcher| Markers::place(watcher, inbox, backlog)).flatten();
    }

    fn new(number: u64, wards: Arc<ArcSwap<Wards>>, sentry: Sentry) -> Self {
        Self {
            number,
            sentry,
            markers: None,
            wards,
            watched: HashMap::new(),
            doubtful: HashSet::new(),
            refused: HashMap::new(),
            remote: HashSet::new(),
            late: HashSet::new(),
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
        awaits(&self.wards.load(), path)
    }

    /// Attends to these folders and names, and to nothing else. True if a folder is heard now that was not before:
    /// whatever was found in it must be looked up again.
    pub(crate) fn attend(&mut self, wards: Wards) -> bool {
        let wards = Arc::new(wards);
        // First the names, then the watches: what is heard of a name before it is known is dropped.
        self.wards.store(Arc::clone(&wards));
        let gone: Vec<PathBuf> =
            self.watched.keys().filter(|folder| !wards.contains_key(*folder)).cloned().collect();
        for folder in gone {
            self.watched.remove(&folder);
            self.unwatch(&folder);
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
                self.unwatch(folder);
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

    /// Makes sure that all that happened so far will be heard before what this returns.
    pub(crate) fn fire(&mut self) -> Barrier {
        if !self.late.is_empty() {
            return Barrier::Late;
        }
        if let Some(markers) = &mut self.markers {
            let Ok(number) = markers.fire() else { return Barrier::Broken };
            self.late.insert(number);
            return Barrier::Marker;
        }
        // The watcher's thread answers after the events that it had been told of before.
        match self.sentry.ask(|watcher| watcher.configure(Config::default())) {
            Some(Ok(_)) => Barrier::Passed,
            Some(Err(_)) | None => Barrier::Broken,
        }
    }

    /// This marker was heard of.
    pub(crate) fn heard(&mut self, marker: u64) {
        self.late.remove(&marker);
    }

    /// Events were dropped, and those of markers may be among them.
    pub(crate) fn lost(&mut self) {
        self.late.clear();
    }

    /// Whether a marker that was touched was not heard of yet.
    pub(crate) fn is_late(&self) -> bool {
        !self.late.is_empty()
    }

    /// What is wrong with it.
    pub(crate) fn faults(&self) -> BTreeSet<Degraded> {
        let mut faults: BTreeSet<Degraded> = self.refused.values().copied().collect();
        if self.is_deaf() {
            faults.insert(Degraded::NoEvents);
        } else if self.markers.is_none() {
            faults.insert(Degraded::NoMarker);
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
        let Some(watched) = self.sentry.ask(|watcher| watcher.watch(folder, RecursiveMode::NonRecursive))
        else {
            return false;
        };
        match watched.map_err(|error| error.kind) {
            Ok(()) => {
                self.watched.insert(folder.to_owned(), id);
                true
            }
            // It went away since it was found: look again.
            Err(ErrorKind::PathNotFound) => true,
            Err(ErrorKind::MaxFilesWatch) => {
                self.refused.insert(folder.to_owned(), Degraded::WatchLimit);
                false
            }
            Err(_) => {
                if vital {
                    self.refused.insert(folder.to_owned(), Degraded::Unwatchable);
                }
                false
            }
        }
    }

    fn unwatch(&mut self, folder: &Path) {
        // That it is not watched any more is just as well.
        let _ = self.sentry.ask(|watcher| watcher.unwatch(folder));
    }
}
