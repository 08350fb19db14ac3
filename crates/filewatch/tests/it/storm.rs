//! No half-written file is ever given to a build, however fast it is saved; and the last save is never missed.

use crate::support::{DEADLINE, Folder, LIMIT, memory, options, wait_until};
use crate::weather::{BY_RENAME, CUT, Dice, HASTY, LARGE, USUAL, Weather};
use filewatch::{Live, Notice, Options, ReadError, RebuildLock, Step};
use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A little less than the shortest quiet of these tests.
const STALL: Duration = Duration::from_millis(80);

struct Storm {
    path: PathBuf,
    live: Live<u64>,
    torn: Arc<AtomicUsize>,
    built: Arc<AtomicUsize>,
    /// Saves for which the machine held the writer up so long that what it had written looked done.
    stalls: AtomicUsize,
    _folder: Folder,
}

impl Storm {
    fn open(parent: &Path, options: Options, weather: Weather) -> Self {
        let folder = Folder::within(parent);
        let path = folder.write("file", &(weather.version)(0));
        let (torn, count) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (counts_torn, counts_built, read) = (Arc::clone(&torn), Arc::clone(&count), path.clone());
        let build =
            move |files: &mut filewatch::Files<'_>, _: Option<&_>| -> Result<Option<u64>, ReadError> {
                counts_built.fetch_add(1, Ordering::Relaxed);
                let number = (weather.whole)(&files.read(&read, 2 * LIMIT)?);
                if number.is_none() {
                    counts_torn.fetch_add(1, Ordering::Relaxed);
                }
                Ok(number)
            };
        let live = Live::open(options, build, |_: Notice<'_, u64, ReadError>| {}).unwrap();
        Self { path, live, torn, built: count, stalls: AtomicUsize::new(0), _folder: folder }
    }

    /// Saves these versions, one after the other, until told to `stop`.
    fn rage(&self, versions: Range<u64>, weather: Weather, stop: &AtomicBool) {
        let mut dice = Dice(0x2545_F491_4F6C_DD1D + versions.start);
        for number in versions {
            let text = (weather.version)(number);
            let begun = Instant::now();
            (weather.save)(&self.path, &text, &mut dice);
            self.stalls.fetch_add(usize::from(begun.elapsed() > STALL), Ordering::Relaxed);
            dice.pause(weather.pause);
            if stop.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    fn torn(&self) -> usize {
        self.torn.load(Ordering::Relaxed)
    }
}

/// On a busy machine a writer may be held up for longer than the usual quiet, which is for slow writers, not for these storms.
fn patient() -> Options {
    options().quiet(Duration::from_secs(5))
}

fn nothing_is_torn_on(parent: &Path) {
    let storm = Storm::open(parent, patient(), USUAL);
    let never = AtomicBool::new(false);
    storm.rage(1..3001, USUAL, &never);
    wait_until("the last save in place is published", || **storm.live.load() == 3000);
    storm.rage(3001..4001, BY_RENAME, &never);
    wait_until("the last save by rename is published", || **storm.live.load() == 4000);
    storm.rage(4001..5001, HASTY, &never);
    wait_until("the last save in haste is published", || **storm.live.load() == 5000);
    assert_eq!(storm.torn(), 0);
    let built = storm.built.load(Ordering::Relaxed);
    assert!(built > 400, "of 5000 saves only {built} were seen: the storm proves nothing");
    for weather in [LARGE, CUT] {
        let storm = Storm::open(parent, patient(), weather);
        storm.rage(1..101, weather, &never);
        wait_until("the last large save is published", || **storm.live.load() == 100);
        assert_eq!(storm.torn(), 0);
    }
}

#[test]
fn nothing_is_torn_on_disk() {
    nothing_is_torn_on(&std::env::temp_dir());
}

#[test]
fn nothing_is_torn_in_memory() {
    if Path::new("/dev/shm").is_dir() {
        nothing_is_torn_on(Path::new("/dev/shm"));
    }
}

/// The negative controls: the storm that needs a step most, without it. (Without the rule for empty files: below.)
#[track_caller]
fn tears_without(step: Step, weather: Weather) {
    let storm = Storm::open(&memory(), options().omit(step), weather);
    let seen = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| storm.rage(1..1_000_000, weather, &seen));
        let end = Instant::now() + DEADLINE;
        while storm.torn() == 0 && Instant::now() < end {
            thread::sleep(Duration::from_millis(2));
        }
        seen.store(true, Ordering::Relaxed);
    });
    assert!(storm.torn() > 0, "nothing torn was found: the storm does not show what the step is good for");
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

/// Whoever hears of the events is held up again and again.
#[test]
fn what_is_heard_late_tears_nothing() {
    let lock = RebuildLock::new();
    let storm = Storm::open(&memory(), options().quiet(Duration::from_millis(100)).hold_back(&lock), USUAL);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut dice = Dice(11);
            while !done.load(Ordering::Relaxed) {
                let held = lock.hold();
                thread::sleep(Duration::from_millis(250 + dice.below(100)));
                drop(held);
                thread::sleep(Duration::from_millis(dice.below(20)));
            }
        });
        storm.rage(1..20_000, USUAL, &AtomicBool::new(false));
        done.store(true, Ordering::Relaxed);
    });
    wait_until("the last save is published", || **storm.live.load() == 19_999);
    let stalls = storm.stalls.load(Ordering::Relaxed);
    assert!(storm.torn() <= stalls, "{} torn, {stalls} saves were held up", storm.torn());
}

/// A file that is emptied, and filled only later.
fn texts_of_a_save_in_two_openings(options: Options) -> Vec<String> {
    let folder = Folder::new();
    let path = folder.write("file", "old");
    let live = crate::support::LiveText::open_with(options.quiet(Duration::from_secs(1)), &path);
    File::create(&path).unwrap();
    thread::sleep(Duration::from_millis(30));
    fs::write(&path, "new").unwrap();
    let published = live.aftermath().into_iter().filter_map(|heard| match heard {
        crate::support::Heard::Published(text, _) => Some(text),
        _ => None,
    });
    published.collect()
}

#[test]
fn an_empty_file_waits_for_what_follows() {
    assert_eq!(texts_of_a_save_in_two_openings(options()), ["new"]);
}

/// The negative control.
#[test]
fn without_its_rule_an_empty_file_is_published() {
    assert_eq!(texts_of_a_save_in_two_openings(options().omit(Step::EmptyRule)), ["", "new"]);
}
