//! When a file was touched.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};

/// Whether something was changed, made or moved since then.
pub(super) fn is_younger(found: &Metadata, than: SystemTime) -> bool {
    let moved = time(found.ctime(), found.ctime_nsec());
    found.modified().map_or(moved, |changed| changed.max(moved)) >= than
}

/// By the clock that files are stamped by, which goes in ticks: what is changed from now on is not older than this.
pub(super) fn now() -> SystemTime {
    let now = clock_gettime(ClockId::RealtimeCoarse);
    time(now.tv_sec, now.tv_nsec)
}

fn time(seconds: i64, nanoseconds: i64) -> SystemTime {
    let whole = Duration::from_secs(seconds.try_into().unwrap_or(0));
    SystemTime::UNIX_EPOCH + whole + Duration::from_nanos(nanoseconds.unsigned_abs())
}
