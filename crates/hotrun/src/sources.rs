//! Reports changes of sources, on a thread of its own.

mod ignores;
mod judge;
mod pace;
mod rules;
mod stamp;
mod survey;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use filewatch::{Degraded, Options, Watcher};

use crate::inputs::Inputs;
use crate::job;
use crate::plan::Plan;
use crate::sources::ignores::Ignores;
use crate::sources::judge::Judge;
use crate::sources::pace::Pace;

pub(crate) use crate::sources::rules::{Script, SourceRules};
pub(crate) use crate::sources::survey::Survey;

/// How often to look at everything beside the events, in a tree of ordinary size.
const LOOK: Duration = Duration::from_secs(3);

/// The same in the largest.
const RARE_LOOK: Duration = Duration::from_secs(30);

/// Looking may take this part of one core's time.
const SHARE_OF_LOOKING: u32 = 200;

/// How long a thread may outlive its purpose.
const FAREWELL: Duration = Duration::from_secs(2);

/// Sources whose content differs from what the last report knew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Sorted; none where there is only something to say.
    pub(crate) files: Vec<PathBuf>,
    /// In which ways watching has become less than it should be; said once.
    pub(crate) notes: Vec<String>,
}

/// The watching; dropping it ends it.
pub(crate) struct Sources {
    desk: Arc<Desk>,
    outskirts: Mutex<Outskirts>,
    _lease: Arc<()>,
}

/// Where what was seen is judged and reported.
struct Desk {
    judge: Mutex<Judge>,
    tell: Mutex<Box<dyn Fn(Changes) + Send>>,
    said: Mutex<BTreeSet<Degraded>>,
}

/// What the compiler reads elsewhere, with what keeps its thread going.
#[derive(Default)]
struct Outskirts {
    paths: BTreeSet<PathBuf>,
    _lease: Arc<()>,
}

impl Sources {
    /// Watches what the plan names and what the compiler reads. From now on no change is missed, although the watching itself
    /// begins later, in a large tree after some seconds: what was changed before that is found by its times. `tell` is called
    /// on other threads.
    ///
    /// An error is that there is no thread for it.
    pub(crate) fn open(plan: &Plan, tell: impl Fn(Changes) + Send + 'static) -> io::Result<Self> {
        let rules = plan.sources.clone();
        let ignores = Ignores::of(&rules.roots);
        let judge = Mutex::new(Judge::new(rules.clone(), ignores.clone()));
        let tell = Mutex::new(Box::new(tell) as Box<_>);
        let desk = Arc::new(Desk { judge, tell, said: Mutex::default() });
        let lease = Arc::new(());
        let (at, held) = (Arc::clone(&desk), Arc::downgrade(&lease));
        thread::Builder::new().name("sources".to_owned()).spawn(move || {
            let watcher = at.enter(&rules, &ignores);
            at.follow(watcher, &held);
        })?;
        Ok(Self { desk, outskirts: Mutex::default(), _lease: lease })
    }

    /// Takes in what the build of this number has read, which began then; of a failed one, nothing: then every likely file counts.
    pub(crate) fn learn(&self, build: u32, inputs: Inputs, began: SystemTime) {
        // Locked before, so that lists are taken in and acted on in one order.
        let mut outskirts = self.outskirts.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut late, elsewhere) = self.desk.judge().learn(build, inputs, began);
        late.extend(self.widen(&mut outskirts, elsewhere));
        drop(outskirts);
        self.desk.report(late);
    }

    /// Watches what the compiler reads elsewhere. Returns what of it was changed before that.
    fn widen(&self, outskirts: &mut Outskirts, paths: BTreeSet<PathBuf>) -> Vec<PathBuf> {
        if outskirts.paths == paths {
            return Vec::new();
        }
        let watcher = Watcher::open(Options::default().poll(LOOK), &paths, |_| true);
        let lease = Arc::new(());
        let (desk, held) = (Arc::clone(&self.desk), Arc::downgrade(&lease));
        if let Err((error, _)) = job::start("sources", watcher, move |watcher| desk.follow(watcher, &held)) {
            let note = format!("files outside of the watched folders are not watched: {error}");
            self.desk.tell(Changes { files: Vec::new(), notes: vec![note] });
            return Vec::new();
        }
        let new: Vec<PathBuf> = paths.difference(&outskirts.paths).cloned().collect();
        *outskirts = Outskirts { paths, _lease: lease };
        self.desk.judge().younger(new)
    }
}

impl Desk {
    /// Reads what is there, begins to watch it, then reports what was changed before that, but after the build had begun.
    fn enter(self: &Arc<Self>, rules: &SourceRules, ignores: &Ignores) -> Watcher {
        let begun = Instant::now();
        let known = judge::contents(Survey::of(rules, ignores).files);
        let watch = Options::default().poll((begun.elapsed() * SHARE_OF_LOOKING).clamp(LOOK, RARE_LOOK));
        let (entered, passed_by) = (rules.clone(), ignores.clone());
        let desk = Arc::clone(self);
        let watcher = Watcher::open(watch, &rules.roots, move |folder| entered.enters(folder, &passed_by))
            .counting(move |file| desk.judge().may_count(file));
        let since = self.judge().begun();
        let younger = Survey::younger(rules, ignores, since);
        let late = self.judge().take_stock(known, younger);
        self.report(late);
        watcher
    }

    /// Judges and reports what this watcher sees, until soon after the lease is dropped.
    fn follow(&self, mut watcher: Watcher, lease: &Weak<()>) {
        let mut pace = Pace::default();
        while lease.strong_count() > 0 {
            self.note(watcher.degraded());
            let seen = watcher.next(FAREWELL);
            let mut changed = self.judge().weigh(seen);
            if changed.is_empty() {
                continue;
            }
            let first = Instant::now();
            let mut latest = first;
            loop {
                let wait = pace.due(first, latest).saturating_duration_since(Instant::now());
                if wait.is_zero() {
                    break;
                }
                let seen = watcher.next(wait);
                let more = self.judge().weigh(seen);
                if !more.is_empty() {
                    latest = Instant::now();
                    changed.extend(more);
                }
            }
            self.report(changed);
            pace.reported(Instant::now());
        }
    }

    fn judge(&self) -> MutexGuard<'_, Judge> {
        self.judge.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, files: Vec<PathBuf>) {
        let mut files = self.judge().differing(files);
        if files.is_empty() {
            return;
        }
        files.sort();
        files.dedup();
        self.judge().told(&files);
        self.tell(Changes { files, notes: Vec::new() });
    }

    fn tell(&self, changes: Changes) {
        let tell = self.tell.lock().unwrap_or_else(PoisonError::into_inner);
        tell(changes);
    }

    fn note(&self, degraded: Vec<Degraded>) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let notes: Vec<String> =
            degraded.into_iter().filter(|way| said.insert(*way)).map(|way| way.to_string()).collect();
        if !notes.is_empty() {
            self.tell(Changes { files: Vec::new(), notes });
        }
    }
}
