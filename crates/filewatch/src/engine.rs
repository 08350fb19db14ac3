//! The third of three layers: takes in events, decides what to read and when, and proves that what was read belongs together.

mod cause;
mod events;
mod file;
mod file_cache;
pub(crate) mod files;
mod reading;
pub(crate) mod tree;
mod walk;

use crate::backend::sender::Sender;
use crate::degraded::Degraded;
use crate::engine::cause::Cause;
use crate::engine::file::RefreshRules;
use crate::engine::file_cache::FileCache;
use crate::engine::files::Files;
use crate::options::Options;
use crate::resolved_path::ResolvedPath;
use crate::settle::{Decision, EVERYTHING, Pending, Settle};
use crate::switches::Step;
use crate::trigger::Trigger;
use crate::watch_set::{ROUNDS, WatchSet};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The pause before the events are read, if a file [awaits one](file::Refreshed::AwaitsEvent).
/// Without it 4 of 33,000 readings of a file that is overwritten again and again were torn, with it none of 32,000.
///
/// The thread sleeps. With `yield_now`, at a load of 14 on 2 cores, it came back so late that it saw only 5 to 11 of 500 saves.
const EVENT_DELAY: Duration = Duration::from_micros(50);

pub(crate) struct Engine {
    options: Options,
    watch_set: WatchSet,
    settle: Settle,
    cause: Cause,
    cache: FileCache,
    /// A file that was not watched until now and was changed less than this ago may not be complete.
    youth: Duration,
    /// Tests that wait until nothing is pending for them.
    waiting: Vec<mpsc::Sender<()>>,
    /// Tests for which nothing is pending. They are answered after the report.
    settled: Vec<mpsc::Sender<()>>,
    stopped: bool,
}

/// The next step of the thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The last handle was dropped: end.
    Stop,
    /// Nothing but reporting.
    Report,
    /// Read what is pending.
    Read,
}

impl Engine {
    pub(crate) fn open(options: Options) -> Self {
        Self {
            watch_set: WatchSet::open(options.clone()),
            settle: Settle::new(options.quiet),
            cause: Cause::start(),
            cache: FileCache::default(),
            youth: Duration::ZERO,
            waiting: Vec::new(),
            settled: Vec::new(),
            stopped: false,
            options,
        }
    }

    pub(crate) fn sender(&self) -> Sender {
        self.watch_set.sender()
    }

    /// The files that the next build reads.
    pub(crate) fn files(&mut self, trigger: Trigger) -> Files<'_> {
        self.cache.begin();
        Files::new(&mut self.cache, trigger)
    }

    /// Waits until there is something to do.
    pub(crate) fn wait(&mut self) -> Turn {
        if self.stopped {
            return Turn::Stop;
        }
        let decision = self.settle.decide(Instant::now());
        let until = match decision {
            Decision::Read => return Turn::Read,
            Decision::Until(then) => Some(then),
            Decision::Rest if self.waiting.is_empty() => {
                Some(self.watch_set.next_look(self.cause.is_missed()))
            }
            Decision::Rest => None,
        };
        match until.and_then(|until| self.watch_set.receive(until)) {
            Some(message) => {
                self.apply(message);
                self.apply_received();
            }
            None if decision == Decision::Rest => self.poll(),
            None => {}
        }
        if self.stopped { Turn::Stop } else { Turn::Report }
    }

    /// Answers the tests for which nothing is pending.
    pub(crate) fn answer(&mut self) {
        for waiter in self.settled.drain(..) {
            // It fails if the waiter is gone.
            let _ = waiter.send(());
        }
    }

    /// Reads what is pending, then checks that nothing changed meanwhile.
    /// True if so: then everything in the cache was on the disk at one moment, complete.
    pub(crate) fn read(&mut self) -> bool {
        let pending = self.settle.take(Instant::now());
        self.update_watches(&pending);
        let all = pending.get(Path::new(EVERYTHING)).copied();
        let (watch_set, youth) = (&self.watch_set, self.youth);
        let (quiet, switches) = (self.options.quiet, &self.options.switches);
        let rules = |path: &ResolvedPath| {
            let covered = path.last().is_some_and(|last| watch_set.covers(&last.folder));
            RefreshRules { all, covered, youth, quiet, switches }
        };
        let late = switches.write_late();
        let (held, awaits_event) = self.cache.refresh(rules);
        for name in held {
            self.settle.dirty(&name, Instant::now());
        }
        if self.options.switches.takes(Step::Barrier) {
            let waits = awaits_event && self.options.switches.takes(Step::EventDelay);
            if waits {
                thread::sleep(EVENT_DELAY);
            }
            if waits || late.is_none() {
                self.read_events();
            }
        }
        !self.settle.is_dirty()
    }

    /// True if a build is due after a successful [`read`](Self::read).
    pub(crate) fn wants_build(&self) -> bool {
        self.cause.trigger() == Trigger::Request || self.cache.differs()
    }

    pub(crate) fn trigger(&self) -> Trigger {
        self.cause.trigger()
    }

    /// True if what the build was given was on the disk at one moment, complete.
    pub(crate) fn confirms(&mut self) -> bool {
        !self.cache.is_unproven() || (self.read() && !self.cache.differs())
    }

    /// The same for the first build. Waits until everything is quiet, but not beyond `end`. A build that `failed` may have
    /// been given a file that was being written before it was watched.
    pub(crate) fn confirms_first(&mut self, failed: bool, end: Instant) -> bool {
        self.youth = if failed { self.options.quiet } else { Duration::ZERO };
        let mut settled = self.read();
        while !settled && Instant::now() < end {
            settled = self.wait() == Turn::Read && self.read();
        }
        self.youth = self.options.quiet;
        Instant::now() >= end || !self.cache.differs()
    }

    /// The build's result counts. The next build is due when something else is read than this one was given.
    pub(crate) fn accept(&mut self) {
        self.cause.accept();
        self.cache.accept();
    }

    /// No byte differs, so no build is due; or the build panicked. It may have wanted to read more, so everything stays watched.
    pub(crate) fn skip(&mut self) {
        self.cause.reset();
    }

    /// The build was given what was not on the disk at one moment. Its result does not count.
    pub(crate) fn discard(&mut self) {
        self.cache.discard();
        self.settle.recheck(Path::new(EVERYTHING));
    }

    /// The degraded modes; `None` while a repair is under way.
    pub(crate) fn known_faults(&self) -> Option<BTreeSet<Degraded>> {
        (!self.watch_set.has_missed_events()).then(|| self.faults())
    }

    pub(crate) fn faults(&self) -> BTreeSet<Degraded> {
        let mut faults = self.watch_set.faults();
        if self.cause.is_missed() {
            faults.insert(Degraded::MissedEvents);
        }
        faults
    }

    /// Watches every folder on the way to what is pending, before anything is read.
    fn update_watches(&mut self, pending: &Pending) {
        for _ in 0..ROUNDS {
            let moved = self.cache.resolve(pending);
            if self.watch_set.has_missed_events() {
                // Nothing was watched for a moment: a save may be under way of which no event will tell.
                self.cache.mark_all_missed();
            }
            if !self.watch_set.update(moved, || self.cache.filters()) {
                return;
            }
        }
    }
}
