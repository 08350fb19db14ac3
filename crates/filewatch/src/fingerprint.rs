//! The result of `stat` for a file.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Identifies a file or folder under any name: device and inode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Id(u64, u64);

/// If two differ in anything, the file may hold other bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) id: Id,
    pub(crate) size: u64,
    modified: Duration,
    changed: Duration,
}

impl Id {
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|found| Self::of(&found))
    }

    pub(crate) fn of(found: &Metadata) -> Self {
        Self(found.dev(), found.ino())
    }
}

impl Fingerprint {
    pub(crate) fn of(found: &Metadata) -> Self {
        let modified = found.modified().map_or(Duration::ZERO, since_epoch);
        Self { id: Id::of(found), size: found.len(), modified, changed: changed(found).unwrap_or(modified) }
    }

    /// True if the file could change once more and keep its fingerprint, which was taken at `then`. That is so if the clock of the
    /// file system may not have moved on since the last change. Its steps are often 10 ms, and 2 s on FAT.
    pub(crate) fn is_racy(&self, then: SystemTime) -> bool {
        let newest = self.modified.max(self.changed);
        let tick =
            if newest.subsec_nanos() == 0 { Duration::from_secs(2) } else { Duration::from_millis(50) };
        newest + tick >= since_epoch(then)
    }

    /// True if it is the same file of the same size and modification time. Mode and links may differ.
    pub(crate) fn is_same_version(&self, other: &Self) -> bool {
        (self.id, self.size, self.modified) == (other.id, other.size, other.modified)
    }

    /// True if it is the same file as `before`, written less than `time` after it.
    pub(crate) fn follows(&self, before: &Self, time: Duration) -> bool {
        self.id == before.id && self.modified.abs_diff(before.modified) < time
    }

    /// True if the file was changed less than `ago` before `now`.
    pub(crate) fn is_younger(&self, ago: Duration, now: SystemTime) -> bool {
        let now = since_epoch(now);
        let newest = self.modified.max(self.changed);
        newest <= now && newest + ago > now
    }
}

fn changed(found: &Metadata) -> Option<Duration> {
    let nanos = u32::try_from(found.ctime_nsec()).ok()?;
    Some(Duration::new(u64::try_from(found.ctime()).ok()?, nanos))
}

fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::{Fingerprint, Id};
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_file_changed_within_a_tick_of_its_reading_is_racy() {
        let ms = Duration::from_millis;
        let rows = [
            (ms(1001), ms(1002), true),
            (ms(1001), ms(1051), true),
            (ms(1001), ms(1052), false),
            (ms(9001), ms(1000), true), // the clock was set back
            (ms(1000), ms(2900), true), // a file system that counts in seconds
            (ms(1000), ms(3001), false),
        ];
        for (changed, read, racy) in rows {
            let fingerprint = Fingerprint { id: Id::default(), size: 1, modified: changed, changed };
            assert_eq!(fingerprint.is_racy(UNIX_EPOCH + read), racy, "{changed:?} {read:?}");
        }
    }
}
