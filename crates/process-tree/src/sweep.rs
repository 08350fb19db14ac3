//! Kills the descendants of this process.

use std::io;

use rustix::process::{getpid, set_child_subreaper};

use crate::{
    mark,
    process_tree::{kill_until_none, ours, reap, this_process},
    snapshot::Snapshot,
};

/// A process with this variable in its environment survives [`sweep`], and so does every process that it starts. An example is
/// a browser that was opened for the user.
pub const STAYS: &str = "PROCESS_TREE_STAYS";

/// Has the orphans among the descendants of this process come to it (`prctl(PR_SET_CHILD_SUBREAPER)`). Without that, [`sweep`]
/// and [`ProcessTree`](crate::ProcessTree) find no process whose parent has ended.
///
/// # Errors
/// When the kernel refuses.
pub fn adopt_orphans() -> io::Result<()> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// Kills every descendant of this process, until there is none, and reaps the children. Waits for five seconds at most.
pub fn sweep() {
    kill_until_none(ours, left);
    reap(|_| true);
}

/// The descendants that do not stay.
fn left(snapshot: &Snapshot) -> Vec<u32> {
    let mut left = snapshot.descendants(this_process());
    let stays = |process: &u32| mark::has_variable(*process, &format!("{STAYS}="));
    let staying: Vec<u32> = left.iter().copied().filter(stays).collect();
    left.retain(|process| !staying.contains(process));
    for stays in staying {
        let below = snapshot.descendants(stays);
        left.retain(|process| !below.contains(process));
    }
    left
}
