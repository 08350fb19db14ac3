//! The profile of the processor time, in pprof's format.

use std::{backtrace::Backtrace, fmt::Display, time::Duration};

use pprof::{ProfilerGuard, ProfilerGuardBuilder, protos::Message};
use tokio::{
    sync::{Mutex, MutexGuard},
    task::spawn_blocking,
    time::timeout,
};

use crate::{answer::Answer, drain_signal::DrainListener, error::Error};

/// Samples per second of processor time. 99 is not in step with what happens every 10 ms.
const FREQUENCY: i32 = 99;

/// Samples in these libraries are left out, as `pprof` advises: the unwinder may wait there for a lock that its own thread holds.
const LEFT_OUT: [&str; 4] = ["libc.", "libgcc", "pthread", "vdso"];

/// The length of a profile without `seconds`, as in Go.
const SECONDS: u64 = 10;

/// Held while a profile is taken.
static RUNNING: Mutex<()> = Mutex::const_new(());

/// Samples all threads for the `seconds` of the query, or until the address drains.
pub(crate) async fn profile(query: Option<String>, mut drain: DrainListener) -> Result<Answer, Error> {
    let seconds = seconds(query.as_deref())?;
    let Ok(running) = RUNNING.try_lock() else {
        let sentence = "a profile is being taken, and there is one at a time: try again when it is over";
        return Err(Error::Refused { status: 409, sentence });
    };
    let profiler = blocking(start).await??;
    let _ = timeout(Duration::from_secs(seconds), drain.drained()).await;
    let profile = blocking(move || encoded(&profiler, running)).await??;
    let mut answer = Answer::new(200, "application/octet-stream", profile);
    answer.headers.push(("content-disposition", "attachment; filename=\"profile.pb\"".to_owned()));
    Ok(answer)
}

/// The number after `seconds=`.
fn seconds(query: Option<&str>) -> Result<u64, Error> {
    let asked = query.unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("seconds="));
    match asked.map_or(Ok(SECONDS), str::parse) {
        Ok(seconds @ 1..=60) => Ok(seconds),
        _ => Err(Error::Refused { status: 400, sentence: "`seconds` has to be a whole number from 1 to 60" }),
    }
}

fn start() -> Result<ProfilerGuard<'static>, Error> {
    // The name of this function is in it, if the program has names at all.
    if !Backtrace::force_capture().to_string().contains("profile::start") {
        let sentence = "the symbols of this program cannot be read, so a profile would name no function: build it with \
                        `--profile profiling --features profiling`, and leave the file in its place while it runs";
        return Err(Error::Refused { status: 501, sentence });
    }
    let profiler = ProfilerGuardBuilder::default().frequency(FREQUENCY).blocklist(&LEFT_OUT);
    profiler.build().map_err(Error::internal)
}

/// The profile so far. The next one may begin when this returns.
fn encoded(profiler: &ProfilerGuard<'_>, _running: MutexGuard<'_, ()>) -> Result<Vec<u8>, Error> {
    let profile = profiler.report().build().and_then(|report| report.pprof());
    Ok(profile.map_err(Error::internal)?.encode_to_vec())
}

/// Runs on a thread that may wait: reading the symbols of a debug build takes seconds.
async fn blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> Result<R, Error> {
    spawn_blocking(work).await.map_err(|ended| Error::internal(&ended as &dyn Display))
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn seconds_are_a_whole_number_from_1_to_60() {
        assert_eq!(seconds(None), Ok(10));
        for (query, expected) in [
            ("", Some(10)),
            ("debug=1", Some(10)),
            ("seconds=1", Some(1)),
            ("debug=1&seconds=60", Some(60)),
            ("seconds=0", None),
            ("seconds=61", None),
            ("seconds=", None),
            ("seconds=-1", None),
            ("seconds=1.5", None),
            ("seconds=ten", None),
            ("seconds=99999999999999999999", None),
        ] {
            assert_eq!(seconds(Some(query)).ok(), expected, "{query}");
        }
    }
}
