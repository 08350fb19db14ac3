//! The engine takes in events, and polls in case one is missing.

use crate::backend::message::{EventKind, Message};
use crate::engine::Engine;
use crate::resolved_path::ResolvedPath;
use crate::settle::{Decision, EVERYTHING};
use crate::switches::Step;
use std::mem;
use std::path::{Path, PathBuf};
use std::time::Instant;

impl Engine {
    /// Looks at everything, in case no event told of a change, and tries to repair what is degraded.
    pub(super) fn poll(&mut self) {
        if self.watch_set.retry_failed() {
            self.settle.recheck(Path::new(EVERYTHING));
        }
        let waiting = mem::take(&mut self.waiting);
        if !waiting.is_empty() {
            self.read_events();
        }
        let watch_set = &self.watch_set;
        let is_remote =
            |path: &ResolvedPath| path.last().is_some_and(|last| watch_set.is_remote(&last.folder));
        let found = self.cache.poll(is_remote);
        if !found.is_empty() {
            // The events may be in the queue.
            self.read_events();
            if !self.settle.is_dirty() {
                self.record_missed(&found);
            }
        }
        self.watch_set.looked();
        if self.settle.decide(Instant::now()) == Decision::Rest {
            self.settled.extend(waiting);
        } else {
            self.waiting.extend(waiting);
        }
    }

    /// Something changed at these names, and no event told of it.
    fn record_missed(&mut self, found: &[PathBuf]) {
        let faultless = !self.watch_set.has_missed_events() && self.watch_set.faults().is_empty();
        self.cause.poll(self.options.events && faultless);
        self.cache.mark_missed(found);
        for name in found {
            self.settle.dirty(name, Instant::now());
        }
    }

    /// Takes in the events of everything that has happened so far.
    pub(super) fn read_events(&mut self) {
        if !self.watch_set.has_backend() {
            return;
        }
        let done = self.watch_set.read_all();
        self.apply_received();
        if !done || !self.watch_set.has_backend() {
            self.settle.recheck(Path::new(EVERYTHING));
        }
    }

    pub(super) fn apply_received(&mut self) {
        while let Some(message) = self.watch_set.received() {
            self.apply(message);
        }
    }

    pub(super) fn apply(&mut self, message: Message) {
        match message {
            Message::Stop => self.stopped = true,
            Message::Rebuild => {
                self.cause.request();
                self.settle.recheck(Path::new(EVERYTHING));
            }
            #[cfg(feature = "testing")]
            Message::WhenSettled(waiter) => self.waiting.push(waiter),
            Message::EventsLost => {
                self.cause.event();
                self.settle.dirty(Path::new(EVERYTHING), Instant::now());
            }
            Message::BackendFailed(_) => {}
            Message::Event(kind, path) => {
                if self.watch_set.accepts(&path).unwrap_or_else(|| self.cache.concerns_tree(&path)) {
                    self.cause.event();
                    self.apply_event(kind, &path);
                }
            }
        }
    }

    fn apply_event(&mut self, kind: EventKind, path: &Path) {
        if matches!(kind, EventKind::Closed | EventKind::MovedHere | EventKind::Written) {
            self.cache.confirm(path);
        }
        match kind {
            _ if !self.options.switches.takes(Step::Patience) => self.settle.close(path),
            EventKind::Closed => self.settle.close(path),
            EventKind::Touched => self.settle.recheck(path),
            EventKind::MovedHere if self.cache.is_replaced(path) => self.settle.rename(path),
            // Two files that are exchanged make both events for both names.
            EventKind::MovedAway if path.symlink_metadata().is_ok() && self.cache.is_replaced(path) => {
                self.settle.rename(path);
            }
            EventKind::MovedHere
            | EventKind::MovedAway
            | EventKind::Created
            | EventKind::Removed
            | EventKind::Written => self.settle.dirty(path, Instant::now()),
        }
    }
}
