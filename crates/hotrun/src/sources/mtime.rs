//! Times of files.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};

/// True if the file was written, made or moved at that time or later.
pub(super) fn is_younger(found: &Metadata, than: SystemTime) -> bool {
    changed_at(found) >= than
}

/// The time at which the file was written, made or moved last.
pub(crate) fn changed_at(found: &Metadata) -> SystemTime {
    let moved = time(found.ctime(), found.ctime_nsec());
    found.modified().map_or(moved, |changed| changed.max(moved))
}

/// The time by the clock of the file systems (`CLOCK_REALTIME_COARSE`), which advances in ticks. A later change has this time or a
/// later one.
pub(crate) fn now() -> SystemTime {
    let now = clock_gettime(ClockId::RealtimeCoarse);
    time(now.tv_sec, now.tv_nsec)
}

fn time(seconds: i64, nanoseconds: i64) -> SystemTime {
    let whole = Duration::from_secs(seconds.try_into().unwrap_or(0));
    SystemTime::UNIX_EPOCH + whole + Duration::from_nanos(nanoseconds.unsigned_abs())
}
