//! For those who want to know what changed, and build nothing from it.

use crate::attention::PATIENCE;
use crate::degraded::Degraded;
use crate::event::{Hint, Sign};
use crate::file::absolute;
use crate::grounds::Grounds;
use crate::options::{LONGEST, Options};
use crate::post::Post;
use crate::scout::ROUNDS;
use crate::settle::{Decision, EVERYTHING, Settle, Suspects};
use std::collections::BTreeSet;
use std::mem;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The most hints that are taken in before the time is looked at again: somebody may send them faster than they are taken.
const MOST_AT_ONCE: usize = 10_000;

/// Tells which files below some roots have changed, in batches.
///
/// It hears, waits and degrades like a [`Live`](crate::Live), but only looks at files and never opens one. So it compares
/// identity, size and modification time, not bytes: `touch` is a change to it, `chmod` is none. It works while
/// [`next`](Watcher::next) is called; what happens between two calls is in the next batch.
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
    post: Post,
    settle: Settle,
    /// Files that do not count. They settle by themselves, so that a busy one delays no other.
    aside: Settle,
    counts: Box<dyn Fn(&Path) -> bool + Send>,
    grounds: Grounds,
}

impl Watcher {
    /// Watches the `roots`, files or folders, there or not, and below them every folder that `enter` agrees to. Both are given with absolute paths.
    /// Symlinks are followed on the way to a root, and not below it.
    pub fn open<P: AsRef<Path>>(
        options: Options,
        roots: impl IntoIterator<Item = P>,
        enter: impl Fn(&Path) -> bool + Send + 'static,
    ) -> Self {
        let roots = roots.into_iter().map(|root| absolute(root.as_ref())).collect();
        let settle = || Settle::new(options.quiet, PATIENCE);
        let mut watcher = Self {
            settle: settle(),
            aside: settle(),
            counts: Box::new(|_| true),
            grounds: Grounds::open(roots, Box::new(enter)),
            post: Post::open(options),
        };
        // What changed since the walk a moment ago is news to nobody.
        watcher.walk();
        watcher
    }

    /// Files that do not count delay no file that does: a log that is always being written to is named in batches of its own. Without
    /// this, every file counts. `counts` is asked at every event, with the path that [`next`](Watcher::next) would return.
    #[must_use]
    pub fn counting(mut self, counts: impl Fn(&Path) -> bool + Send + 'static) -> Self {
        self.counts = Box::new(counts);
        self
    }

    /// Waits until files have changed, then returns their paths, sorted; or returns nothing after `timeout`.
    ///
    /// A file that was closed after writing, renamed or removed ends the waiting; one that is still being written to prolongs it until some
    /// [quiet](Options::quiet), but not beyond `timeout`. A file that does not exist any more is named too.
    pub fn next(&mut self, timeout: Duration) -> Vec<PathBuf> {
        let end = Instant::now() + timeout.min(LONGEST);
        loop {
            let now = Instant::now();
            let decision = self.settle.decide(now);
            let aside = self.aside.decide(now);
            let due = match (&decision, &aside) {
                (Decision::Read, _) => Some(self.settle.take(now)),
                // Not earlier: a walk would also name what is still being written.
                (Decision::Rest, Decision::Read) => Some(self.aside.take(now)),
                _ => None,
            };
            if let Some(suspects) = due {
                let changed = self.visit(&suspects);
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
                (_, Decision::Until(then)) => then.min(self.post.next_look(false)),
                _ => self.post.next_look(false),
            };
            match self.post.receive(until.min(end)) {
                Some(hint) => {
                    self.apply(hint);
                    for _ in 0..MOST_AT_ONCE {
                        let Some(hint) = self.post.received() else { break };
                        self.apply(hint);
                    }
                    let now = Instant::now();
                    if now >= end && self.settle.decide(now) != Decision::Read {
                        return Vec::new();
                    }
                }
                None if Instant::now() >= end && end < until => return Vec::new(),
                None if decision == Decision::Rest && Instant::now() >= self.post.next_look(false) => {
                    self.post.retry();
                    self.settle.glance(Path::new(EVERYTHING));
                }
                None => {}
            }
        }
    }

    /// In which ways watching is less than it should be at the moment.
    pub fn degraded(&self) -> Vec<Degraded> {
        self.post.faults().into_iter().collect()
    }

    fn visit(&mut self, suspects: &Suspects) -> BTreeSet<PathBuf> {
        if !self.post.rearm && !self.post.ear.doubts() && self.grounds.are_plain(suspects) {
            return self.grounds.visit(suspects);
        }
        self.walk()
    }

    /// Walks through everything, and watches every folder before it is believed to be known.
    fn walk(&mut self) -> BTreeSet<PathBuf> {
        let mut changed = BTreeSet::new();
        for _ in 0..ROUNDS {
            let moved = self.grounds.walk(&mut changed);
            let rearm = mem::take(&mut self.post.rearm);
            if !moved && !self.post.ear.doubts() && !rearm {
                break;
            }
            if !self.post.ear.attend(self.grounds.wards()) {
                break;
            }
        }
        self.post.looked();
        changed
    }

    fn apply(&mut self, hint: Hint) {
        match hint {
            Hint::Seen(sign, path) if self.post.ear.awaits(&path) != Some(false) => self.weigh(sign, &path),
            Hint::Seen(..) | Hint::Request | Hint::Rest(_) | Hint::Stop => {}
            Hint::Died(number) => self.post.lose_ear(number),
            Hint::Lost => {
                self.post.ear.doubt(Path::new(EVERYTHING));
                self.settle.dirty(Path::new(EVERYTHING), Instant::now());
            }
        }
    }

    fn weigh(&mut self, sign: Sign, path: &Path) {
        if matches!(sign, Sign::Arrived | Sign::Left | Sign::Made | Sign::Gone) {
            self.post.ear.doubt(path);
        }
        let settle = if self.delays(sign, path) { &mut self.settle } else { &mut self.aside };
        match sign {
            Sign::Closed | Sign::Arrived | Sign::Left | Sign::Gone => settle.commit(path),
            Sign::Touched => settle.glance(path),
            Sign::Made | Sign::Written => settle.dirty(path, Instant::now()),
        }
    }

    /// Whether the others wait for this file. A new folder always counts: it may hold files that do.
    fn delays(&self, sign: Sign, path: &Path) -> bool {
        let shown = self.grounds.shown(path);
        shown.is_none_or(|shown| (self.counts)(&shown)) || (sign != Sign::Written && path.is_dir())
    }
}
