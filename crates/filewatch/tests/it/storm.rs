//! No half-written file is given to a build, however fast it is saved, and the last save is never missed.

use crate::support::{
    DEADLINE, Folder, LIMIT, LiveText, OwnedNotice, is_long_tier, memory, options, wait_until,
};
use crate::workload::{BY_RENAME, CUT, HASTY, LARGE, Random, USUAL, Workload};
use filewatch::{Live, Notice, Options, ReadError, RebuildLock, Step, Trigger};
use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

struct Storm {
    path: PathBuf,
    live: Live<u64>,
    torn: Arc<AtomicUsize>,
    built: Arc<AtomicUsize>,
    _folder: Folder,
}

impl Storm {
    fn open(parent: &Path, options: Options, workload: Workload) -> Self {
        let folder = Folder::within(parent);
        let path = folder.write("file", &(workload.version)(0));
        let (torn, count) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (counts_torn, counts_built, read) = (Arc::clone(&torn), Arc::clone(&count), path.clone());
        let build =
            move |files: &mut filewatch::Files<'_>, _: Option<&_>| -> Result<Option<u64>, ReadError> {
                counts_built.fetch_add(1, Ordering::Relaxed);
                let number = (workload.whole)(&files.read(&read, 2 * LIMIT)?);
                if number.is_none() {
                    counts_torn.fetch_add(1, Ordering::Relaxed);
                }
                Ok(number)
            };
        let live = Live::open(options, build, |_: Notice<'_, u64, ReadError>| {}).unwrap();
        Self { path, live, torn, built: count, _folder: folder }
    }

    /// Saves these versions one after the other, until `stop` is set.
    fn rage(&self, versions: Range<u64>, workload: Workload, stop: &AtomicBool) {
        let mut random = Random(0x2545_F491_4F6C_DD1D + versions.start);
        for number in versions {
            let text = (workload.version)(number);
            (workload.save)(&self.path, &text, &mut random);
            random.pause(workload.pause);
            if stop.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    fn torn(&self) -> usize {
        self.torn.load(Ordering::Relaxed)
    }
}

/// A busy machine may hold up a writer for longer than the usual quiet period, which is not what these storms test.
fn patient() -> Options {
    options().quiet(Duration::from_secs(5))
}

/// Saves 50 times `scale` small texts in several ways, and a few large ones.
fn nothing_is_torn_on(parent: &Path, scale: u64) {
    let storm = Storm::open(parent, patient(), USUAL);
    let never = AtomicBool::new(false);
    let mut last = 0;
    // `HASTY` comes after saves in place: the event of a first save over the text is not awaited.
    for (workload, saves) in [(USUAL, 30 * scale), (HASTY, 10 * scale), (BY_RENAME, 10 * scale)] {
        storm.rage(last + 1..last + saves + 1, workload, &never);
        last += saves;
        wait_until("the last save is published", || **storm.live.load() == last);
    }
    assert_eq!(storm.torn(), 0);
    let built = storm.built.load(Ordering::Relaxed) as u64;
    assert!(built > 4 * scale, "of {last} saves only {built} were seen: the storm proves nothing");
    for workload in [LARGE, CUT] {
        let storm = Storm::open(parent, patient(), workload);
        storm.rage(1..scale + 1, workload, &never);
        wait_until("the last large save is published", || **storm.live.load() == scale);
        assert_eq!(storm.torn(), 0);
    }
}

#[test]
fn nothing_is_torn_in_a_short_storm() {
    nothing_is_torn_on(&memory(), 10);
}

#[test]
fn nothing_is_torn_on_disk() {
    if is_long_tier() {
        nothing_is_torn_on(&std::env::temp_dir(), 100);
    }
}

#[test]
fn nothing_is_torn_in_memory() {
    if is_long_tier() {
        nothing_is_torn_on(&memory(), 100);
    }
}

/// The negative controls: for each step, the storm that needs it most. The rule for empty files has its own below.
#[track_caller]
fn tears_without(step: Step, workload: Workload) {
    let storm = Storm::open(&memory(), options().omit(step), workload);
    let seen = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| storm.rage(1..1_000_000, workload, &seen));
        let end = Instant::now() + DEADLINE;
        while storm.torn() == 0 && Instant::now() < end {
            thread::sleep(Duration::from_millis(2));
        }
        seen.store(true, Ordering::Relaxed);
    });
    assert!(storm.torn() > 0, "nothing torn was found: the storm does not show that the step is needed");
}

#[test]
fn without_the_barrier_a_hasty_storm_tears() {
    tears_without(Step::Barrier, HASTY);
}

#[test]
fn without_the_lock_a_storm_of_cuts_tears() {
    tears_without(Step::Lock, CUT);
}

#[test]
fn without_two_looks_a_storm_of_large_files_tears() {
    tears_without(Step::TwoLooks, LARGE);
}

#[test]
fn without_patience_the_storm_tears() {
    tears_without(Step::Patience, USUAL);
}

/// A storm whose events are read late: the reader is held up again and again. Ends early when `until` says so.
fn storm_with_late_events(options: Options, saves: u64, until: impl Fn(&Storm) -> bool + Sync) -> Storm {
    let lock = RebuildLock::new();
    let storm = Storm::open(&memory(), options.hold_back(&lock), USUAL);
    let (done, stop) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut random = Random(11);
            while !done.load(Ordering::Relaxed) {
                let held = lock.hold();
                thread::sleep(Duration::from_millis(250 + random.below(100)));
                drop(held);
                stop.store(until(&storm), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(random.below(20)));
            }
        });
        storm.rage(1..saves + 1, USUAL, &stop);
        done.store(true, Ordering::Relaxed);
    });
    storm
}

#[test]
fn events_that_are_read_late_tear_nothing() {
    if !is_long_tier() {
        return;
    }
    let storm = storm_with_late_events(patient(), 20_000, |_| false);
    wait_until("the last save is published", || **storm.live.load() == 20_000);
    assert_eq!(storm.torn(), 0);
    let built = storm.built.load(Ordering::Relaxed);
    assert!(built > 20, "only {built} saves were seen: the storm proves nothing");
}

/// The negative control.
#[test]
fn without_the_barrier_late_events_tear() {
    let end = Instant::now() + DEADLINE;
    let torn = |storm: &Storm| storm.torn() > 0 || Instant::now() > end;
    let storm = storm_with_late_events(patient().omit(Step::Barrier), 1_000_000, torn);
    assert!(storm.torn() > 0, "nothing torn was found: the storm does not show that the events must be read");
}

/// Saves a file in two openings: empties it, and writes it after `between`.
fn save_in_two_openings(options: Options, between: impl FnOnce(&LiveText)) {
    let (_folder, path, live) = LiveText::of_with(options.quiet(Duration::from_secs(1)), "file", "old");
    File::create(&path).unwrap();
    between(&live);
    fs::write(&path, "new").unwrap();
    live.publishes_once("new");
}

#[test]
fn an_empty_file_waits_for_what_follows() {
    save_in_two_openings(options(), |_| thread::sleep(Duration::from_millis(30)));
}

/// The negative control.
#[test]
fn without_its_rule_an_empty_file_is_published() {
    save_in_two_openings(options().omit(Step::EmptyRule), |live| {
        assert_eq!(live.next(), OwnedNotice::Published(String::new(), Trigger::Event));
    });
}
