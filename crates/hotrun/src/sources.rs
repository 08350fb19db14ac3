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
use std::mem;
use std::path::{Path, PathBuf};
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

/// The interval is at least this many times the duration of one walk through the tree. So polling takes 0.5 % of a core.
const POLL_FACTOR: u32 = 200;

/// The longest time that a thread goes on after its lease is dropped.
const WAIT: Duration = Duration::from_secs(2);

/// Sources whose content differs from the last report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// For each program its files, sorted. All are empty if there are only notes.
    pub(crate) files: Vec<Vec<PathBuf>>,
    /// Ways in which watching has become worse. Each is reported once.
    pub(crate) notes: Vec<String>,
}

impl Changes {
    /// Adds later changes.
    pub(crate) fn add(&mut self, later: &Changes) {
        self.files.resize(self.files.len().max(later.files.len()), Vec::new());
        for (files, added) in self.files.iter_mut().zip(&later.files) {
            files.extend(added.iter().cloned());
            files.sort();
            files.dedup();
        }
        self.notes.extend(later.notes.iter().cloned());
    }
}

/// Watches the sources of all programs until it is dropped.
pub(crate) struct Sources {
    reporter: Arc<Reporter>,
    /// For each program.
    outside: Vec<Mutex<Outside>>,
    _lease: Arc<()>,
}

/// Filters and reports the changes that all watchers see.
struct Reporter {
    /// For each program.
    filters: Vec<Mutex<ChangeFilter>>,
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
    /// Watches the folders of the rules of each program, and the inputs of the compiler. `tell` is called on other threads.
    ///
    /// From now on no change is missed. In a large tree the watches are complete only seconds later; a change before that is
    /// found by the times of the file. Fails if there is no thread for it.
    pub(crate) fn open(rules: Vec<SourceRules>, tell: impl Fn(Changes) + Send + 'static) -> io::Result<Self> {
        let ignores = Ignores::of(&roots(&rules));
        let filter = |rules: &SourceRules| Mutex::new(ChangeFilter::new(rules.clone(), ignores.clone()));
        let filters: Vec<_> = rules.iter().map(filter).collect();
        let tell = Mutex::new(Box::new(tell) as Box<_>);
        let outside = filters.iter().map(|_| Mutex::default()).collect();
        let reporter = Arc::new(Reporter { filters, tell, said: Mutex::default() });
        let lease = Arc::new(());
        let (first, leased) = (Arc::clone(&reporter), Arc::downgrade(&lease));
        thread::Builder::new().name("sources".to_owned()).spawn(move || {
            let watcher = first.watch(&rules, &ignores);
            first.follow(watcher, &leased);
        })?;
        Ok(Self { reporter, outside, _lease: lease })
    }

    /// Takes the inputs of a build of a program that has ended, and the time when it began. A failed build has no inputs: then every
    /// likely file counts as a source.
    pub(crate) fn learn(&self, program: usize, build: u32, inputs: Inputs, began: SystemTime) {
        // Locked first, so that the lists of two builds have their effects in one order.
        let mut outside = self.outside[program].lock().unwrap_or_else(PoisonError::into_inner);
        let (mut late, paths) = self.reporter.filter(program).learn(build, inputs, began);
        late.extend(self.watch_outside(program, &mut outside, paths));
        drop(outside);
        let mut files = self.reporter.none();
        files[program] = late;
        self.reporter.report(files);
    }

    /// Watches these inputs. Returns those that changed before the watch, but after the build began.
    fn watch_outside(&self, program: usize, outside: &mut Outside, paths: BTreeSet<PathBuf>) -> Vec<PathBuf> {
        if outside.paths == paths {
            return Vec::new();
        }
        let poll = self.reporter.filter(program).poll().unwrap_or(POLL);
        let watcher = Watcher::open(Options::default().poll(poll), &paths, |_| true);
        let lease = Arc::new(());
        let (reporter, leased) = (Arc::clone(&self.reporter), Arc::downgrade(&lease));
        let started = job::start("sources", watcher, move |watcher| reporter.follow(watcher, &leased));
        if let Err((error, _)) = started {
            let note = format!("files outside of the watched folders are not watched: {error}");
            self.reporter.tell(Changes { files: self.reporter.none(), notes: vec![note] });
            return Vec::new();
        }
        let new: Vec<PathBuf> = paths.difference(&outside.paths).cloned().collect();
        *outside = Outside { paths, _lease: lease };
        self.reporter.filter(program).modified_since_build(new)
    }
}

impl Reporter {
    /// Reads the sources and watches their folders. Then reports the changes that were made before the watch, but after the build
    /// began.
    fn watch(self: &Arc<Self>, rules: &[SourceRules], ignores: &Ignores) -> Watcher {
        let begun = Instant::now();
        let found: Vec<_> = rules.iter().map(|rules| Scan::of(rules, ignores).files).collect();
        let all: BTreeSet<_> = found.iter().flatten().cloned().collect();
        let contents = content::contents(all);
        let usual = (begun.elapsed() * POLL_FACTOR).clamp(POLL, RARE_POLL);
        let poll = rules.iter().filter_map(|rules| rules.poll).min();
        let options = Options::default().poll(poll.unwrap_or(usual));
        let (entered, excluded) = (rules.to_vec(), ignores.clone());
        let enters = move |folder: &Path| entered.iter().any(|rules| rules.enters(folder, &excluded));
        let reporter = Arc::clone(self);
        let may_count =
            move |file: &Path| reporter.filters.iter().any(|filter| locked(filter).may_count(file));
        let watcher = Watcher::open(options, roots(rules), enters).counting(may_count);
        let late = rules.iter().zip(&self.filters).zip(found).map(|((rules, filter), found)| {
            let since = locked(filter).build_began();
            let modified = Scan::modified_since(rules, ignores, since);
            let known = found.into_iter().filter_map(|file| contents.get_key_value(&file));
            let known = known.map(|(file, content)| (file.clone(), *content)).collect();
            locked(filter).add_known(known, modified)
        });
        self.report(late.collect());
        watcher
    }

    /// Reports the changes that this watcher sees, until soon after the lease is dropped.
    fn follow(&self, mut watcher: Watcher, lease: &Weak<()>) {
        let mut coalescer = Coalescer::default();
        while lease.strong_count() > 0 {
            self.note(watcher.degraded());
            let seen = watcher.next(WAIT);
            let mut changed = self.none();
            if !self.add_changed(&mut changed, &seen) {
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
                if self.add_changed(&mut changed, &seen) {
                    latest = Instant::now();
                }
            }
            self.report(changed);
            coalescer.reported(Instant::now());
        }
    }

    fn filter(&self, program: usize) -> MutexGuard<'_, ChangeFilter> {
        locked(&self.filters[program])
    }

    /// No files, for each program.
    fn none(&self) -> Vec<Vec<PathBuf>> {
        vec![Vec::new(); self.filters.len()]
    }

    /// Adds those that are changed sources of a program to its files. `true` if there are any.
    fn add_changed(&self, changed: &mut [Vec<PathBuf>], seen: &[PathBuf]) -> bool {
        let mut is_any = false;
        for (filter, changed) in self.filters.iter().zip(changed) {
            let more = locked(filter).changed(seen.to_vec());
            is_any |= !more.is_empty();
            changed.extend(more);
        }
        is_any
    }

    fn report(&self, mut files: Vec<Vec<PathBuf>>) {
        for (filter, files) in self.filters.iter().zip(&mut files) {
            let mut filter = locked(filter);
            *files = filter.differing(mem::take(files));
            files.sort();
            files.dedup();
            let built: Vec<PathBuf> = files.iter().filter(|file| filter.needs_build(file)).cloned().collect();
            if !built.is_empty() {
                filter.build_begins(&built);
            }
        }
        if files.iter().any(|files| !files.is_empty()) {
            self.tell(Changes { files, notes: Vec::new() });
        }
    }

    fn note(&self, degraded: Vec<Degraded>) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let notes: Vec<String> =
            degraded.into_iter().filter(|way| said.insert(*way)).map(|way| way.to_string()).collect();
        if !notes.is_empty() {
            self.tell(Changes { files: self.none(), notes });
        }
    }

    fn tell(&self, changes: Changes) {
        let tell = self.tell.lock().unwrap_or_else(PoisonError::into_inner);
        tell(changes);
    }
}

fn locked(filter: &Mutex<ChangeFilter>) -> MutexGuard<'_, ChangeFilter> {
    filter.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The roots of all programs, each once.
fn roots(rules: &[SourceRules]) -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> = Vec::new();
    for root in rules.iter().flat_map(|rules| &rules.roots) {
        if !roots.contains(root) {
            roots.push(root.clone());
        }
    }
    roots
}
