//! No half-written file is ever given to a build, however fast it is saved; and the last save is never missed.

use crate::support::{Folder, LIMIT, wait_until, watch};
use filewatch::{Gate, Live, Notice, ReadError, Step, Watch};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// 3 to 4 kB that say which version they are, and can be told from all others in every byte.
fn version(number: u64) -> String {
    let mut text = format!("version: {number}\n");
    let lines = 60 + number % 17;
    for line in 0..lines {
        writeln!(
            text,
            "key_{line:03}: {:032x}",
            u128::from(number) * 0x9E37_79B9_7F4A_7C15_F39C + u128::from(line)
        )
        .unwrap();
    }
    text
}

/// The version that these bytes are, if they are one from beginning to end.
fn whole(bytes: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(bytes).ok()?;
    let number = text.lines().next()?.strip_prefix("version: ")?.parse().ok()?;
    (version(number) == text).then_some(number)
}

/// Good enough to spread the gaps.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// Busy, since sleeping takes longer than most gaps.
    fn pause(&mut self, longest_micros: u64) {
        let end = Instant::now() + Duration::from_micros(self.below(longest_micros + 1));
        while Instant::now() < end {
            std::hint::spin_loop();
        }
    }
}

fn save_in_place(path: &Path, text: &str, dice: &mut Dice) {
    let mut file = File::create(path).unwrap();
    let mut rest = text.as_bytes();
    for _ in 0..dice.below(3) {
        let (now, later) = rest.split_at(usize::try_from(dice.below(rest.len() as u64)).unwrap());
        file.write_all(now).unwrap();
        dice.pause(200);
        rest = later;
    }
    file.write_all(rest).unwrap();
    dice.pause(200);
}

fn save_by_rename(path: &Path, text: &str) {
    let other = path.with_extension("tmp");
    fs::write(&other, text).unwrap();
    fs::rename(other, path).unwrap();
}

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
    fn open(parent: &Path, watch: Watch) -> Self {
        let folder = Folder::within(parent);
        let path = folder.write("file", &version(0));
        let (torn, count) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (counts_torn, counts_built, read) = (Arc::clone(&torn), Arc::clone(&count), path.clone());
        let build = move |files: &mut filewatch::Files<'_>| -> Result<Option<u64>, ReadError> {
            counts_built.fetch_add(1, Ordering::Relaxed);
            let number = whole(&files.read(&read, LIMIT)?);
            if number.is_none() {
                counts_torn.fetch_add(1, Ordering::Relaxed);
            }
            Ok(number)
        };
        let live = Live::open(watch, build, |_: Notice<'_, u64, ReadError>| {}).unwrap();
        Self { path, live, torn, built: count, stalls: AtomicUsize::new(0), _folder: folder }
    }

    /// Saves these versions, one after the other, until told to `stop`.
    fn rage(&self, versions: std::ops::Range<u64>, by_rename: bool, stop: &AtomicBool) {
        let mut dice = Dice(0x2545_F491_4F6C_DD1D + versions.start);
        for number in versions {
            let text = version(number);
            let begun = Instant::now();
            if by_rename {
                save_by_rename(&self.path, &text);
            } else {
                save_in_place(&self.path, &text, &mut dice);
            }
            self.stalls.fetch_add(usize::from(begun.elapsed() > STALL), Ordering::Relaxed);
            dice.pause(600);
            if stop.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    fn torn(&self) -> usize {
        self.torn.load(Ordering::Relaxed)
    }
}

fn nothing_is_torn_on(parent: &Path) {
    // On a busy machine a writer may be held up for longer than the usual quiet, which is for slow writers, not for this storm.
    let storm = Storm::open(parent, watch().quiet(Duration::from_secs(5)));
    let never = AtomicBool::new(false);
    storm.rage(1..3001, false, &never);
    wait_until("the last save in place is published", || **storm.live.load() == 3000);
    storm.rage(3001..4001, true, &never);
    wait_until("the last save by rename is published", || **storm.live.load() == 4000);
    assert_eq!(storm.torn(), 0);
    let built = storm.built.load(Ordering::Relaxed);
    assert!(built > 400, "of 4000 saves only {built} were seen: the storm proves nothing");
}

#[test]
fn nothing_is_torn_on_disk() {
    nothing_is_torn_on(&std::env::temp_dir());
}

fn memory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

#[test]
fn nothing_is_torn_in_memory() {
    if Path::new("/dev/shm").is_dir() {
        nothing_is_torn_on(Path::new("/dev/shm"));
    }
}

/// The negative control: the same storm, without making sure that no event is under way.
#[test]
fn without_the_barrier_the_storm_tears() {
    let storm = Storm::open(&std::env::temp_dir(), watch().omit(Step::Barrier));
    let seen = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| storm.rage(1..100_000, false, &seen));
        wait_until("something torn is found", || storm.torn() > 0);
        seen.store(true, Ordering::Relaxed);
    });
}

/// The watcher's thread is held up again and again, for longer than a marker is waited for: one that comes late must not be
/// taken for the next.
#[test]
fn a_late_marker_vouches_for_nothing() {
    let gate = Gate::new();
    let storm = Storm::open(&memory(), watch().quiet(Duration::from_millis(100)).hold_back(&gate));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut dice = Dice(11);
            while !done.load(Ordering::Relaxed) {
                let held = gate.hold();
                thread::sleep(Duration::from_millis(250 + dice.below(100)));
                drop(held);
                thread::sleep(Duration::from_millis(dice.below(20)));
            }
        });
        storm.rage(1..20_000, false, &AtomicBool::new(false));
        done.store(true, Ordering::Relaxed);
    });
    wait_until("the last save is published", || **storm.live.load() == 19_999);
    let stalls = storm.stalls.load(Ordering::Relaxed);
    assert!(storm.torn() <= stalls, "{} torn, {stalls} saves were held up", storm.torn());
}

/// A file that is emptied, and filled only later.
fn texts_of_a_save_in_two_openings(watch: Watch) -> Vec<String> {
    let folder = Folder::new();
    let path = folder.write("file", "old");
    let live = crate::support::LiveText::open_with(watch.quiet(Duration::from_secs(1)), &path);
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
    assert_eq!(texts_of_a_save_in_two_openings(watch()), ["new"]);
}

/// The negative control.
#[test]
fn without_its_rule_an_empty_file_is_published() {
    assert_eq!(texts_of_a_save_in_two_openings(watch().omit(Step::EmptyRule)), ["", "new"]);
}

/// Two files that are always changed together are never seen apart, though a build names one of them only after reading the other.
#[test]
fn files_that_belong_together_are_seen_together() {
    let folder = Folder::new();
    let swap = |number: u64| {
        let version = format!("..v{number}");
        folder.write(&format!("{version}/first"), &number.to_string());
        folder.write(&format!("{version}/second-{number}"), &number.to_string());
        folder.write(&format!("{version}/third"), &number.to_string());
        std::os::unix::fs::symlink(&version, folder.join("..data_tmp")).unwrap();
        fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
        if let Some(before) = number.checked_sub(3) {
            let _ = fs::remove_dir_all(folder.join(&format!("..v{before}")));
        }
    };
    swap(0);
    let data = folder.join("..data");
    let build =
        move |files: &mut filewatch::Files<'_>| -> Result<Option<(String, String, String)>, ReadError> {
            let first = crate::support::text(files, &data.join("first"))?;
            thread::sleep(Duration::from_micros(300));
            let second = crate::support::text(files, &data.join(format!("second-{first}")))?;
            let third = crate::support::text(files, &data.join("third"))?;
            Ok(Some((first, second, third)))
        };
    let apart = Arc::<AtomicUsize>::default();
    let counts = Arc::clone(&apart);
    let notice = move |notice: Notice<'_, (String, String, String), ReadError>| match notice {
        Notice::Published { new, .. } if new.0 == new.1 && new.1 == new.2 => {}
        Notice::Published { .. } | Notice::Rejected { .. } => {
            counts.fetch_add(1, Ordering::Relaxed);
        }
        _ => {}
    };
    let live = Live::open(watch(), build, notice).unwrap();
    let mut dice = Dice(7);
    for number in 1..=300 {
        swap(number);
        dice.pause(2000);
    }
    wait_until("the last swap is published", || live.load().0 == "300");
    assert_eq!(apart.load(Ordering::Relaxed), 0);
}
