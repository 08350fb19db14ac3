//! A live text and its notices.

pub(crate) use conformance::{installed as available, long_tier as is_long_tier, skipped};
use filewatch::{Degraded, Files, Live, Notice, Options, ReadError, TreeLimits, Trigger};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) const LIMIT: u64 = 1 << 20;
/// Only a failing test takes so long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// Longer than a busy machine is likely to hold up a test during a save.
const STEADY_QUIET: Duration = Duration::from_millis(400);
/// Longer than any quiet period in use and than the poll: anything that still comes has come by then.
pub(crate) const AFTERMATH: Duration = Duration::from_millis(800);

/// A notice, with what the tests compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OwnedNotice {
    Published(String, Trigger),
    Unchanged(Trigger),
    Rejected(ReadError, Trigger),
    Degraded(Degraded),
    Recovered(Degraded),
}

/// A folder in memory if there is one: many files are created quickly there.
pub(crate) fn memory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// More than any test needs that is not about limits.
pub(crate) fn limits() -> TreeLimits {
    TreeLimits { files: 2000, file_bytes: LIMIT, total_bytes: 16 * LIMIT }
}

/// The text of one file, live.
pub(crate) struct LiveText {
    pub(crate) live: Live<String>,
    pub(crate) notices: Receiver<OwnedNotice>,
}

/// A temporary folder, with its path without symlinks.
pub(crate) struct Folder {
    _removed_on_drop: TempDir,
    pub(crate) path: PathBuf,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self::within(&std::env::temp_dir())
    }

    pub(crate) fn within(parent: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("filewatch-test-").tempdir_in(parent).unwrap();
        Self { path: folder.path().canonicalize().unwrap(), _removed_on_drop: folder }
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

impl LiveText {
    /// A file with this text in a folder of its own, followed.
    pub(crate) fn of(name: &str, text: &str) -> (Folder, PathBuf, Self) {
        Self::of_with(options(), name, text)
    }

    pub(crate) fn of_with(options: Options, name: &str, text: &str) -> (Folder, PathBuf, Self) {
        let folder = Folder::new();
        let path = folder.write(name, text);
        let live = Self::open_with(options, &path);
        (folder, path, live)
    }

    pub(crate) fn open(path: &Path) -> Self {
        Self::open_with(options(), path)
    }

    pub(crate) fn open_with(options: Options, path: &Path) -> Self {
        let path = path.to_owned();
        Self::build(options, move |files| text(files, &path).map(Some)).unwrap()
    }

    pub(crate) fn build(
        options: Options,
        mut build: impl FnMut(&mut Files<'_>) -> Result<Option<String>, ReadError> + Send + 'static,
    ) -> Result<Self, ReadError> {
        let (tell, notices) = mpsc::channel();
        let notice = move |notice: Notice<'_, String, ReadError>| {
            let _ = tell.send(match notice {
                Notice::Published { new, trigger, .. } => {
                    OwnedNotice::Published(new.as_ref().clone(), trigger)
                }
                Notice::Unchanged { trigger, .. } => OwnedNotice::Unchanged(trigger),
                Notice::Rejected { error, trigger, .. } => OwnedNotice::Rejected(error, trigger),
                Notice::Degraded(fault) => OwnedNotice::Degraded(fault),
                Notice::Recovered(fault) => OwnedNotice::Recovered(fault),
            });
        };
        Ok(Self { live: Live::open(options, move |files, _| build(files), notice)?, notices })
    }

    /// The next notice.
    #[track_caller]
    pub(crate) fn next(&self) -> OwnedNotice {
        self.notices.recv_timeout(DEADLINE).expect("a notice comes before the deadline")
    }

    /// The notices until every event was taken in and nothing is pending.
    pub(crate) fn aftermath(&self) -> Vec<OwnedNotice> {
        self.live.settled();
        self.notices.try_iter().collect()
    }

    /// The notices until none has come for a while. This includes those that only time brings.
    pub(crate) fn long_aftermath(&self) -> Vec<OwnedNotice> {
        std::iter::from_fn(|| self.notices.recv_timeout(AFTERMATH).ok()).collect()
    }

    /// The next notice is that an event published this, and no other follows.
    #[track_caller]
    pub(crate) fn publishes_once(&self, expected: &str) {
        self.publishes_once_by(expected, Trigger::Event);
    }

    #[track_caller]
    pub(crate) fn publishes_once_by(&self, expected: &str, trigger: Trigger) {
        assert_eq!(self.next(), OwnedNotice::Published(expected.to_owned(), trigger));
        self.stays_silent();
        assert_eq!(*self.live.snapshot(), expected);
    }

    #[track_caller]
    pub(crate) fn stays_silent(&self) {
        assert_eq!(self.aftermath(), []);
    }

    #[track_caller]
    pub(crate) fn stays_silent_for_long(&self) {
        assert_eq!(self.long_aftermath(), []);
    }
}

/// Repeats a save that the machine has held up: a writer that pauses for longer than the quiet period shows a partial file.
/// `save` returns how long it took.
pub(crate) fn unless_held_up<T>(mut save: impl FnMut() -> (Duration, T)) -> T {
    for _ in 0..10 {
        let (took, saved) = save();
        if took < STEADY_QUIET {
            return saved;
        }
    }
    save().1
}

pub(crate) fn options() -> Options {
    Options::default().quiet(STEADY_QUIET)
}

pub(crate) fn text(files: &mut Files<'_>, path: &Path) -> Result<String, ReadError> {
    files.read(path, LIMIT).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

#[track_caller]
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
