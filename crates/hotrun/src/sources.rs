//! Watches the sources and reports their changes.

mod change_filter;
mod coalesce;
mod content;
mod ignores;
pub(crate) mod mtime;
mod pattern;
mod rules;
mod scan;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use filewatch::{Degraded, Options, Watcher};

use crate::inputs::Inputs;
use crate::job;
use crate::sources::change_filter::ChangeFilter;
use crate::sources::coalesce::Coalescer;

pub(crate) use crate::sources::ignores::Ignores;

pub(crate) use crate::sources::pattern::Pattern;
pub(crate) use crate::sources::rules::{Script, SourceRules};
pub(crate) use crate::sources::scan::Scan;

/// Interval of the poll beside the events, in a tree of ordinary size.
const POLL: Duration = Duration::from_secs(3);

/// The longest interval, in very large trees.
const RARE_POLL: Duration = Duration::from_secs(30);

/// The interval is at least this many times the duration of one walk through the tree, so polling takes 0.5 % of a core.
const POLL_FACTOR: u32 = 200;

/// The longest time that a thread goes on after its lease is dropped.
const WAIT: Duration = Duration::from_secs(2);

/// Sources whose content differs from the last report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Sorted. Empty if there are only notes.
    pub(crate) files: Vec<PathBuf>,
    /// Ways in which watching has become worse. Each is reported once.
    pub(crate) notes: Vec<String>,
}

/// Watches the sources until it is dropped.
pub(crate) struct Sources {
    reporter: Arc<Reporter>,
    outside: Mutex<Outside>,
    _lease: Arc<()>,
}

/// Filters and reports the changes that all watchers see.
struct Reporter {
    filter: Mutex<ChangeFilter>,
    tell: Mutex<Box<dyn Fn(Changes) + Send>>,
    said: Mutex<BTreeSet<Degraded>>,
}

/// Inputs of the compiler outside of the watched folders, and the lease of the thread that watches them.
#[derive(Default)]
struct Outside {
    paths: BTreeSet<PathBuf>,
    _lease: Arc<()>,
}

impl Sources {
    /// Watches the folders of the rules and the inputs of the compiler. `tell` is called on other threads.
    ///
    /// From now on no change is missed. In a large tree the watches are complete only seconds later; a change before that is
    /// found by the times of the file. Fails if there is no thread for it.
    pub(crate) fn open(rules: SourceRules, tell: impl Fn(Changes) + Send + 'static) -> io::Result<Self> {
        let ignores = Ignores::of(&rules.roots);
        let filter = Mutex::new(ChangeFilter::new(rules.clone(), ignores.clone()));
        let tell = Mutex::new(Box::new(tell) as Box<_>);
        let reporter = Arc::new(Reporter { filter, tell, said: Mutex::default() });
        let lease = Arc::new(());
        let (first, leased) = (Arc::clone(&reporter), Arc::downgrade(&lease));
        thread::Builder::new().name("sources".to_owned()).spawn(move || {
            let watcher = first.watch(&rules, &ignores);
            first.follow(watcher, &leased);
        })?;
        Ok(Self { reporter, outside: Mutex::default(), _lease: lease })
    }

    /// Takes the inputs of a build that has ended, and the time when it began. A failed build has no inputs: then every likely file
    /// counts as a source.
    pub(crate) fn learn(&self, build: u32, inputs: Inputs, began: SystemTime) {
        // Locked first, so that the lists of two builds have their effects in one order.
        let mut outside = self.outside.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut late, paths) = self.reporter.filter().learn(build, inputs, began);
        late.extend(self.watch_outside(&mut outside, paths));
        drop(outside);
        self.reporter.report(late);
    }

    /// Watches these inputs. Returns those that changed before the watch, but after the build began.
    fn watch_outside(&self, outside: &mut Outside, paths: BTreeSet<PathBuf>) -> Vec<PathBuf> {
        if outside.paths == paths {
            return Vec::new();
        }
        let poll = self.reporter.filter().poll().unwrap_or(POLL);
        let watcher = Watcher::open(Options::default().poll(poll), &paths, |_| true);
        let lease = Arc::new(());
        let (reporter, leased) = (Arc::clone(&self.reporter), Arc::downgrade(&lease));
        let started = job::start("sources", watcher, move |watcher| reporter.follow(watcher, &leased));
        if let Err((error, _)) = started {
            let note = format!("files outside of the watched folders are not watched: {error}");
            self.reporter.tell(Changes { files: Vec::new(), notes: vec![note] });
            return Vec::new();
        }
        let new: Vec<PathBuf> = paths.difference(&outside.paths).cloned().collect();
        *outside = Outside { paths, _lease: lease };
        self.reporter.filter().modified_since_build(new)
    }
}

impl Reporter {
    /// Reads the sources and watches their folders. Then reports the changes that were made before the watch, but after the build
    /// began.
    fn watch(self: &Arc<Self>, rules: &SourceRules, ignores: &Ignores) -> Watcher {
        let begun = Instant::now();
        let contents = content::contents(Scan::of(rules, ignores).files);
        let usual = (begun.elapsed() * POLL_FACTOR).clamp(POLL, RARE_POLL);
        let options = Options::default().poll(rules.poll.unwrap_or(usual));
        let (entered, excluded) = (rules.clone(), ignores.clone());
        let reporter = Arc::clone(self);
        let watcher = Watcher::open(options, &rules.roots, move |folder| entered.enters(folder, &excluded))
            .counting(move |file| reporter.filter().may_count(file));
        let since = self.filter().build_began();
        let modified = Scan::modified_since(rules, ignores, since);
        let late = self.filter().add_known(contents, modified);
        self.report(late);
        watcher
    }

    /// Reports the changes that this watcher sees, until soon after the lease is dropped.
    fn follow(&self, mut watcher: Watcher, lease: &Weak<()>) {
        let mut coalescer = Coalescer::default();
        while lease.strong_count() > 0 {
            self.note(watcher.degraded());
            let seen = watcher.next(WAIT);
            let mut changed = self.filter().changed(seen);
            if changed.is_empty() {
                continue;
            }
            let first = Instant::now();
            let mut latest = first;
            loop {
                let wait = coalescer.due(first, latest).saturating_duration_since(Instant::now());
                if wait.is_zero() {
                    break;
                }
                let seen = watcher.next(wait);
                let more = self.filter().changed(seen);
                if !more.is_empty() {
                    latest = Instant::now();
                    changed.extend(more);
                }
            }
            self.report(changed);
            coalescer.reported(Instant::now());
        }
    }

    fn filter(&self) -> MutexGuard<'_, ChangeFilter> {
        self.filter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, files: Vec<PathBuf>) {
        let mut files = self.filter().differing(files);
        if files.is_empty() {
            return;
        }
        files.sort();
        files.dedup();
        let mut filter = self.filter();
        let built: Vec<PathBuf> = files.iter().filter(|file| filter.needs_build(file)).cloned().collect();
        if !built.is_empty() {
            filter.build_begins(&built);
        }
        drop(filter);
        self.tell(Changes { files, notes: Vec::new() });
    }

    fn note(&self, degraded: Vec<Degraded>) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let notes: Vec<String> =
            degraded.into_iter().filter(|way| said.insert(*way)).map(|way| way.to_string()).collect();
        if !notes.is_empty() {
            self.tell(Changes { files: Vec::new(), notes });
        }
    }

    fn tell(&self, changes: Changes) {
        let tell = self.tell.lock().unwrap_or_else(PoisonError::into_inner);
        tell(changes);
    }
}
