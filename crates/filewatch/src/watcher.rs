//! Reports which files have changed, and builds nothing from them.

use crate::backend::message::{EventKind, Message};
use crate::degraded::Degraded;
use crate::dir_index::DirIndex;
use crate::options::{LONGEST, Options};
use crate::resolved_path::absolute;
use crate::settle::{Decision, EVERYTHING, Pending, Settle};
use crate::watch_set::{ROUNDS, WatchSet};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The most messages that are taken in before the clock is read again: they may come faster than they are taken in.
const MOST_AT_ONCE: usize = 10_000;

/// Reports which files below some roots have changed, in batches.
///
/// It waits and degrades like a [`Live`](crate::Live), but never opens a file. It compares identity, size and modification
/// time, and not bytes: `touch` is a change, `chmod` is none. It works while
/// [`next`](Watcher::next) is called. Changes between two calls are in the next batch.
///
/// ```
/// use filewatch::{Options, Watcher};
/// use std::time::Duration;
/// # let folder = tempfile::tempdir()?;
/// # let root = folder.path().canonicalize()?;
/// # std::fs::create_dir(root.join("src"))?;
/// let mut sources = Watcher::open(Options::default(), [&root], |folder| !folder.ends_with("target"));
/// std::fs::write(root.join("src/main.rs"), "fn main() {}")?;
/// assert_eq!(sources.next(Duration::from_secs(30)), [root.join("src/main.rs")]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Watcher {
    watch_set: WatchSet,
    settle: Settle,
    /// Files that do not count. They settle separately, so that a busy one delays no other.
    aside: Settle,
    counts: Box<dyn Fn(&Path) -> bool + Send>,
    index: DirIndex,
}

impl Watcher {
    /// Watches the `roots`, which are files or folders and may be missing, and below them every folder that `enter` accepts. `enter`
    /// gets absolute paths, and [`next`](Watcher::next) returns them. Symlinks are followed on the way to a root, and not below it.
    pub fn open<P: AsRef<Path>>(
        options: Options,
        roots: impl IntoIterator<Item = P>,
        enter: impl Fn(&Path) -> bool + Send + 'static,
    ) -> Self {
        let roots = roots.into_iter().map(|root| absolute(root.as_ref())).collect();
        let mut watcher = Self {
            settle: Settle::new(options.quiet),
            aside: Settle::new(options.quiet),
            counts: Box::new(|_| true),
            index: DirIndex::open(roots, Box::new(enter)),
            watch_set: WatchSet::open(options),
        };
        // Changes since the index was made a moment ago are not reported.
        watcher.walk();
        watcher
    }

    /// Files that do not count delay no file that counts. A log that is always being written is reported in batches of its own.
    /// Without this, every file counts. `counts` is asked at every event, with the path that [`next`](Watcher::next) would
    /// return.
    #[must_use]
    pub fn counting(mut self, counts: impl Fn(&Path) -> bool + Send + 'static) -> Self {
        self.counts = Box::new(counts);
        self
    }

    /// Waits until files have changed, then returns their paths, sorted. Returns nothing after `timeout`.
    ///
    /// A file that was closed after writing, renamed or removed ends the wait. A file that is still being written prolongs it until the
    /// [quiet](Options::quiet) period is over, but not beyond `timeout`. Removed files are reported too.
    pub fn next(&mut self, timeout: Duration) -> Vec<PathBuf> {
        let end = Instant::now() + timeout.min(LONGEST);
        loop {
            let now = Instant::now();
            let decision = self.settle.decide(now);
            let aside = self.aside.decide(now);
            let due = match (&decision, &aside) {
                (Decision::Read, _) => Some(self.settle.take(now)),
                // Not earlier: a walk would also report files that are still being written.
                (Decision::Rest, Decision::Read) => Some(self.aside.take(now)),
                _ => None,
            };
            if let Some(pending) = due {
                let changed = self.look(&pending);
                if !changed.is_empty() {
                    return changed.into_iter().collect();
                }
                if Instant::now() >= end {
                    return Vec::new();
                }
                continue;
            }
            let until = match (&decision, aside) {
                (Decision::Until(then), _) => *then,
                (_, Decision::Until(then)) => then.min(self.watch_set.next_look(false)),
                _ => self.watch_set.next_look(false),
            };
            match self.watch_set.receive(until.min(end)) {
                Some(message) => {
                    self.apply(message);
                    for _ in 0..MOST_AT_ONCE {
                        let Some(message) = self.watch_set.received() else { break };
                        self.apply(message);
                    }
                    let now = Instant::now();
                    if now >= end && self.settle.decide(now) != Decision::Read {
                        return Vec::new();
                    }
                }
                None if Instant::now() >= end && end < until => return Vec::new(),
                None if decision == Decision::Rest && Instant::now() >= self.watch_set.next_look(false) => {
                    self.watch_set.retry_failed();
                    self.settle.recheck(Path::new(EVERYTHING));
                }
                None => {}
            }
        }
    }

    /// The modes that are degraded now.
    pub fn degraded(&self) -> Vec<Degraded> {
        self.watch_set.faults().into_iter().collect()
    }

    fn look(&mut self, pending: &Pending) -> BTreeSet<PathBuf> {
        if !self.watch_set.is_outdated() && self.index.are_files(pending) {
            return self.index.look(pending);
        }
        self.walk()
    }

    /// Walks through everything. A folder is watched before its entries are relied on.
    fn walk(&mut self) -> BTreeSet<PathBuf> {
        let mut changed = BTreeSet::new();
        for _ in 0..ROUNDS {
            let moved = self.index.walk(&mut changed);
            if !self.watch_set.update(moved, || self.index.filters()) {
                break;
            }
        }
        self.watch_set.looked();
        changed
    }

    fn apply(&mut self, message: Message) {
        match message {
            Message::Event(kind, path) => {
                if self.watch_set.accepts(&path) != Some(false) {
                    self.apply_event(kind, &path);
                }
            }
            Message::EventsLost => self.settle.dirty(Path::new(EVERYTHING), Instant::now()),
            Message::BackendFailed(_) | Message::Rebuild | Message::Stop => {}
            #[cfg(feature = "testing")]
            Message::WhenSettled(_) => {}
        }
    }

    fn apply_event(&mut self, kind: EventKind, path: &Path) {
        let settle = if self.delays(kind, path) { &mut self.settle } else { &mut self.aside };
        match kind {
            EventKind::Closed => settle.close(path),
            EventKind::MovedHere | EventKind::MovedAway | EventKind::Removed => settle.rename(path),
            EventKind::Touched => settle.recheck(path),
            EventKind::Created | EventKind::Written => settle.dirty(path, Instant::now()),
        }
    }

    /// True if other files wait for this one. A new folder always counts: it may hold files that do.
    fn delays(&self, kind: EventKind, path: &Path) -> bool {
        let shown = self.index.shown(path);
        shown.is_none_or(|shown| (self.counts)(&shown)) || (kind != EventKind::Written && path.is_dir())
    }
}
