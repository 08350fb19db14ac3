//! What is left of a process that has ended: its children, which have come to this one, theirs, and so on.

use std::{
    fs,
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};

/// The variable that marks what was started for somebody else, and all that is started by that: it is left alone.
pub(crate) const STAYS: &str = "COMPARE_STAYS";

/// A process that is not gone so long after `SIGKILL` hangs in the kernel, and nobody can end it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(1);

/// Kills every child of this process, then those that come to it because of that, until there is none.
pub(crate) fn sweep() {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        while matches!(wait(WaitOptions::NOHANG), Ok(Some(_))) {}
        let mut left = children();
        left.retain(|child| !stays(*child));
        if left.is_empty() {
            return;
        }
        for child in left {
            let _ = kill_process(child, Signal::KILL);
        }
        sleep(PAUSE);
    }
}

/// The children of every thread of this process.
fn children() -> Vec<Pid> {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(pid).collect::<Vec<_>>()).collect()
}

fn pid(number: &str) -> Option<Pid> {
    Pid::from_raw(number.parse().ok()?)
}

fn stays(process: Pid) -> bool {
    let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == b'\0').any(|variable| variable.starts_with(STAYS.as_bytes()))
}
