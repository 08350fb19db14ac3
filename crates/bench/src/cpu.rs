//! The processor time of a process.

use std::{fs, time::Duration};

use conformance::Failed;

/// The scheduler's account of the process's threads, in nanoseconds. `/proc/PID/stat` has ticks of 10 ms only.
pub(crate) fn cpu_time(pid: u32) -> Result<Duration, Failed> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let schedstat = fs::read_to_string(thread?.path().join("schedstat"))?;
        let spent = schedstat.split_whitespace().next().and_then(|spent| spent.parse::<u64>().ok());
        nanoseconds += spent.ok_or("`schedstat` begins with a number")?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}
