//! Asks when everything that happened before has been heard.

use crate::event::{Hint, Sign};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// A marker that was not heard of for so long is lost.
pub(crate) const LOST: Duration = Duration::from_millis(250);

const PREFIX: &str = ".filewatch-marker-";

static COUNT: AtomicU64 = AtomicU64::new(0);

/// Two files that are watched like all others. The queue of events is ordered: once the touch of a marker is heard,
/// everything before it has been. Two by turns, so that a late event of one is never taken for the other's.
///
/// They are unlinked as soon as they are watched, so that nothing is left behind (an empty file, if this process is killed in
/// the very moment between); changing the mode of an open file is a single event, and costs 2 µs.
#[derive(Debug)]
pub(crate) struct Markers {
    files: [(u64, File); 2],
    turn: usize,
}

impl Markers {
    /// Makes two markers in the first folder that can be written, and hears that they work.
    /// What else is heard meanwhile goes to `backlog`.
    pub(crate) fn place(
        watcher: &mut RecommendedWatcher,
        inbox: &Receiver<Hint>,
        backlog: &mut Vec<Hint>,
    ) -> Option<Self> {
        folders().iter().find_map(|folder| {
            let first = place_one(watcher, folder).ok()?;
            let (path, second) = place_one(watcher, folder).ok()?;
            // To unlink them was an event of the kind that is waited for later. This is one of another kind, behind those.
            second.set_len(0).ok()?;
            hear(inbox, backlog, |hint| matches!(hint, Hint::Seen(Sign::Written, at) if *at == path))?;
            let mut markers =
                Self { files: [(number(&first.0)?, first.1), (number(&path)?, second)], turn: 0 };
            for _ in 0..2 {
                let fired = markers.fire().ok()?;
                hear(inbox, backlog, |hint| matches!(hint, Hint::Marker(heard) if *heard == fired))?;
            }
            Some(markers)
        })
    }

    /// Touches the other marker than the last time, and says which one to wait for.
    pub(crate) fn fire(&mut self) -> io::Result<u64> {
        self.turn ^= 1;
        let (number, file) = &self.files[self.turn];
        touch(file)?;
        Ok(*number)
    }
}

/// Which marker this is the path of, if it is one's.
pub(crate) fn number(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix(PREFIX)?.rsplit('-').next()?.parse().ok()
}

fn hear(inbox: &Receiver<Hint>, backlog: &mut Vec<Hint>, is_it: impl Fn(&Hint) -> bool) -> Option<()> {
    let end = Instant::now() + LOST;
    loop {
        let hint = inbox.recv_timeout(end.saturating_duration_since(Instant::now())).ok()?;
        if is_it(&hint) {
            return Some(());
        }
        backlog.push(hint);
    }
}

fn place_one(watcher: &mut RecommendedWatcher, folder: &Path) -> io::Result<(PathBuf, File)> {
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!("{PREFIX}{}-{number}", std::process::id()));
    let file = create(&path)?;
    let heard = watcher.watch(&path, RecursiveMode::NonRecursive);
    std::fs::remove_file(&path)?;
    heard.map_err(io::Error::other)?;
    Ok((path, file))
}

#[cfg(target_os = "linux")]
fn folders() -> Vec<PathBuf> {
    vec![std::env::temp_dir(), "/dev/shm".into(), "/run".into(), "/var/tmp".into()]
}

/// Elsewhere a file that is unlinked, or whose mode is changed, may make no event.
#[cfg(not(target_os = "linux"))]
fn folders() -> Vec<PathBuf> {
    Vec::new()
}

#[cfg(unix)]
fn create(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path) -> io::Result<File> {
    File::create_new(path)
}

#[cfg(unix)]
fn touch(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn touch(file: &File) -> io::Result<()> {
    file.set_permissions(file.metadata()?.permissions())
}
