//! Kills the descendants of this process.

use std::{
    fs,
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};

/// A process with this variable in its environment, and every process that it starts, survives [`sweep`]: a browser that was
/// opened for the user, for example.
pub const STAYS: &str = "PROCESS_TREE_STAYS";

/// Upper bound on how long [`sweep`] waits. A process that survives `SIGKILL` for longer hangs in the kernel.
const TIMEOUT: Duration = Duration::from_secs(5);

const PAUSE: Duration = Duration::from_millis(1);

/// Kills and reaps the children of this process, and the orphans that come to it when their parents die, until there is none.
///
/// Orphans come to this process if it is a child subreaper (`prctl(PR_SET_CHILD_SUBREAPER)`).
pub fn sweep() {
    let begun = Instant::now();
    while begun.elapsed() < TIMEOUT {
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
