//! The second of three layers: keeps the right folders watched, and replaces a backend that has failed.

use crate::backend::Backend;
use crate::backend::message::Message;
use crate::backend::sender::Sender;
use crate::backend::watch_error::WatchError;
use crate::degraded::Degraded;
use crate::dir_filter::{DirFilters, accepts};
use crate::fingerprint::Id;
use crate::mount::is_remote;
use crate::options::Options;
use crate::settle::EVERYTHING;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// Limit on looking up and watching again until nothing moves meanwhile.
pub(crate) const ROUNDS: usize = 8;

/// The longest pause between two attempts to repair what is degraded.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

pub(crate) struct WatchSet {
    options: Options,
    sender: Sender,
    inbox: Receiver<Message>,
    /// Messages that were read and not taken yet.
    messages: VecDeque<Message>,
    /// None if the system refuses, if it has failed, or if events are switched off.
    backend: Option<Backend>,
    /// Counts the backends, so that a message of an earlier one is told apart.
    number: u64,
    filters: Arc<DirFilters>,
    watched: HashMap<PathBuf, Id>,
    /// Folders whose watch may be gone.
    invalid: HashSet<PathBuf>,
    refused: HashMap<PathBuf, Degraded>,
    remote: HashSet<PathBuf>,
    /// The folders must be watched anew, all of them.
    outdated: bool,
    last_look: Instant,
    next_retry: Instant,
    retry_pause: Duration,
}

impl WatchSet {
    /// Watches nothing yet. Without a backend, or with events switched off, the poll is all there is.
    pub(crate) fn open(options: Options) -> Self {
        let (sender, inbox) = Sender::new();
        let now = Instant::now();
        let mut set = Self {
            sender,
            inbox,
            messages: VecDeque::new(),
            backend: None,
            number: 0,
            filters: Arc::default(),
            watched: HashMap::new(),
            invalid: HashSet::new(),
            refused: HashMap::new(),
            remote: HashSet::new(),
            outdated: true,
            last_look: now,
            next_retry: now + options.poll,
            retry_pause: options.poll,
            options,
        };
        if set.options.events {
            set.replace_backend();
        }
        set
    }

    pub(crate) fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// The next message, if one comes by `end`. A message that is there already is returned even after `end`.
    pub(crate) fn receive(&mut self, end: Instant) -> Option<Message> {
        loop {
            let message = self.received();
            if message.is_some() {
                return message;
            }
            let left = end.saturating_duration_since(Instant::now());
            match &mut self.backend {
                Some(backend) => backend.wait(&self.inbox, left, &mut self.messages),
                None => self.messages.extend(self.inbox.recv_timeout(left)),
            }
            if left.is_zero() {
                return self.received();
            }
        }
    }

    /// The next message, if one has come. If it says that watches may be gone, that is recorded.
    pub(crate) fn received(&mut self) -> Option<Message> {
        let message = self.messages.pop_front().or_else(|| self.inbox.try_recv().ok())?;
        match &message {
            Message::Event(kind, path) if kind.changes_names() => self.invalidate(path),
            Message::EventsLost => {
                self.outdated = true;
                self.invalidate(Path::new(EVERYTHING));
            }
            Message::BackendFailed(number) if *number == self.number => {
                self.drop_backend();
                self.next_retry = Instant::now();
            }
            _ => {}
        }
        Some(message)
    }

    /// Reads the events of everything that has happened so far. False if that is not possible: then the backend is replaced.
    pub(crate) fn read_all(&mut self) -> bool {
        let done = self.backend.as_mut().is_some_and(|backend| backend.read_all(&mut self.messages));
        if !done {
            self.replace_backend();
        }
        done
    }

    pub(crate) fn has_backend(&self) -> bool {
        self.backend.is_some()
    }

    /// True if every change in this folder makes an event.
    pub(crate) fn covers(&self, folder: &Path) -> bool {
        self.watched.contains_key(folder) && !self.remote.contains(folder)
    }

    pub(crate) fn is_remote(&self, folder: &Path) -> bool {
        self.remote.contains(folder)
    }

    /// True if `path` is a name that counts. `None` if the owner of its folder must decide.
    pub(crate) fn accepts(&self, path: &Path) -> Option<bool> {
        accepts(&self.filters, path)
    }

    /// True if folders must be watched anew before anything in them is read.
    pub(crate) fn is_outdated(&self) -> bool {
        self.outdated || !self.invalid.is_empty()
    }

    /// True if events may have been missed and no folder was watched anew since. Until then it is not known what is degraded.
    pub(crate) fn has_missed_events(&self) -> bool {
        self.outdated
    }

    /// Watches the folders of `filters` and no others, if that is not so already. True if a folder is watched now that was not
    /// before: what was found in it must be looked up again. `moved` says that other folders must be watched than the last time.
    pub(crate) fn update(&mut self, moved: bool, filters: impl FnOnce() -> DirFilters) -> bool {
        if !moved && !self.is_outdated() {
            return false;
        }
        self.outdated = false;
        let filters = Arc::new(filters());
        // The names come before the watches: an event of an unknown name is dropped.
        self.filters = Arc::clone(&filters);
        if let Some(backend) = &mut self.backend {
            backend.set_filters(&filters);
        }
        // A watch follows a folder that is renamed away, so it must be removed.
        let known = self.watched.keys().chain(&self.invalid);
        let gone: Vec<PathBuf> = known.filter(|folder| !filters.contains_key(*folder)).cloned().collect();
        for folder in gone {
            self.unwatch(&folder);
        }
        self.refused.retain(|folder, _| filters.contains_key(folder));
        self.remote.retain(|folder| filters.contains_key(folder));
        let mut has_new = false;
        // Folders with files of ours come first, in case the limit of the system is near.
        let (vital, passed): (Vec<_>, Vec<_>) = filters.iter().partition(|(_, filter)| filter.vital);
        for (folder, filter) in vital.into_iter().chain(passed) {
            if self.watched.get(folder) == Some(&filter.id) || self.refused.contains_key(folder) {
                continue;
            }
            if filter.vital && is_remote(folder) {
                self.remote.insert(folder.clone());
            }
            self.unwatch(folder);
            has_new |= self.watch(folder, filter.id, filter.vital);
        }
        self.invalid.clear();
        has_new
    }

    /// The watch of this folder, and of those below it, may be gone.
    fn invalidate(&mut self, path: &Path) {
        let invalid = self.watched.keys().filter(|folder| folder.starts_with(path));
        let invalid: Vec<PathBuf> = invalid.cloned().collect();
        for folder in invalid {
            self.watched.remove(&folder);
            self.invalid.insert(folder);
        }
    }

    /// When to look at everything, in case no event told of a change.
    pub(crate) fn next_look(&self, events_missed: bool) -> Instant {
        let is_reliable = self.options.events && !events_missed && self.faults().is_empty();
        self.last_look + if is_reliable { self.options.poll } else { self.options.poll / 4 }
    }

    /// Everything has been looked at.
    pub(crate) fn looked(&mut self) {
        self.last_look = Instant::now();
    }

    /// Tries to repair what is degraded, if it is time. True if everything must be looked at because of that.
    pub(crate) fn retry_failed(&mut self) -> bool {
        let faults = self.faults();
        if faults.iter().all(|fault| *fault == Degraded::Remote) {
            self.retry_pause = self.options.poll;
            return false;
        }
        if Instant::now() < self.next_retry {
            return false;
        }
        self.next_retry = Instant::now() + self.retry_pause;
        self.retry_pause = (self.retry_pause * 2).min(LONGEST_PAUSE);
        if faults.contains(&Degraded::NoEvents) {
            self.replace_backend();
        } else {
            self.refused.clear();
            self.outdated = true;
        }
        true
    }

    /// The degraded modes. That there is no backend is no fault if events are switched off.
    pub(crate) fn faults(&self) -> BTreeSet<Degraded> {
        if !self.options.events {
            return BTreeSet::new();
        }
        let mut faults: BTreeSet<Degraded> = self.refused.values().copied().collect();
        if self.backend.is_none() {
            faults.insert(Degraded::NoEvents);
        }
        if !self.remote.is_empty() {
            faults.insert(Degraded::Remote);
        }
        faults
    }

    fn replace_backend(&mut self) {
        // The old one goes first: a limit may leave room for one only.
        self.drop_backend();
        self.number += 1;
        self.backend = Backend::open(self.number, &self.options.switches, &self.sender);
        self.outdated = true;
    }

    fn drop_backend(&mut self) {
        self.backend = None;
        self.filters = Arc::default();
        self.watched.clear();
        self.invalid.clear();
        self.refused.clear();
        self.remote.clear();
    }

    /// True if the folder is watched, or must be looked up again.
    fn watch(&mut self, folder: &Path, id: Id, vital: bool) -> bool {
        let Some(backend) = &mut self.backend else { return false };
        match backend.watch(folder) {
            Ok(()) => {
                self.watched.insert(folder.to_owned(), id);
                true
            }
            // It is gone since it was found.
            Err(WatchError::Missing) => true,
            Err(WatchError::Limit) => {
                self.refused.insert(folder.to_owned(), Degraded::WatchLimit);
                false
            }
            Err(WatchError::Refused) => {
                if vital {
                    self.refused.insert(folder.to_owned(), Degraded::Unwatchable);
                }
                false
            }
            #[cfg(any(not(target_os = "linux"), feature = "notify"))]
            Err(WatchError::BackendFailed) => false,
        }
    }

    /// Ends the watching of this folder, if it was watched.
    fn unwatch(&mut self, folder: &Path) {
        let was_watched = self.watched.remove(folder).is_some() | self.invalid.remove(folder);
        if let Some(backend) = self.backend.as_mut().filter(|_| was_watched) {
            backend.unwatch(folder);
        }
    }
}
