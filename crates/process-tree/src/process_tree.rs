//! The processes of one program that this process has started.

use std::{
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, getpid, pidfd_open, pidfd_send_signal, waitpid};

use crate::{
    mark::mark,
    snapshot::{Process, Snapshot},
};

/// Upper bound on how long the end of a process is waited for after `SIGKILL`. One that survives it for longer hangs in the
/// kernel.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A program, and every process that it has started.
///
/// A program may fork twice, take a session of its own, and lose its parent. So a process belongs to it by one of three signs:
/// the process group of its first process, the leader; descent from the leader; the mark ([`MARK`](crate::MARK)) in its
/// environment. Orphans are found only if they come to this process, see [`adopt_orphans`](crate::adopt_orphans).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessTree {
    leader: u32,
}

impl ProcessTree {
    /// The program whose first process is the child `leader` of this process.
    pub fn new(leader: u32) -> ProcessTree {
        ProcessTree { leader }
    }

    /// The process id of the first process, which is also the number of its process group.
    pub fn leader(self) -> u32 {
        self.leader
    }

    /// The living processes.
    pub fn members(self) -> Vec<u32> {
        self.members_in(&ours())
    }

    /// The members that have one of `processes` below them and are none of them.
    pub fn ancestors_of(self, processes: &[u32]) -> Vec<u32> {
        let snapshot = ours();
        let mut found = self.members_in(&snapshot);
        found.retain(|member| {
            let is_below = |below: &u32| processes.contains(below);
            !processes.contains(member) && snapshot.descendants(*member).iter().any(is_below)
        });
        found
    }

    /// Sends the signal with this number to every member that is chosen.
    pub fn signal(self, signal: i32, is_chosen: impl Fn(u32) -> bool) {
        let Some(signal) = Signal::from_named_raw(signal) else { return };
        for process in self.members().into_iter().filter(|process| is_chosen(*process)) {
            send(process, signal);
        }
    }

    /// Waits until there is no member, up to this time.
    pub fn wait(self, longest: Duration) {
        let deadline = Instant::now() + longest;
        while Instant::now() < deadline {
            let left = self.members();
            if left.is_empty() {
                return;
            }
            for end in left.into_iter().filter_map(open) {
                wait_for_end(&end, deadline);
            }
        }
    }

    /// Kills every member, and reaps those that are children of this process. The exit status of the leader is left to the
    /// caller.
    pub fn end(self) {
        let mut killed = kill_until_none(ours, |snapshot| self.members_in(snapshot));
        killed.retain(|process| *process != self.leader);
        reap(|process| killed.contains(&process.pid) || process.is_follower(self.leader));
    }

    fn members_in(self, snapshot: &Snapshot) -> Vec<u32> {
        snapshot.members(self.leader, &mark(this_process(), self.leader))
    }
}

/// Kills what `find` finds until it finds nothing: new processes may be born while the known ones are killed. Gives all that
/// were killed.
pub(crate) fn kill_until_none(look: impl Fn() -> Snapshot, find: impl Fn(&Snapshot) -> Vec<u32>) -> Vec<u32> {
    let deadline = Instant::now() + TIMEOUT;
    let mut killed = Vec::new();
    while Instant::now() < deadline {
        let found = find(&look());
        if found.is_empty() {
            break;
        }
        let ends: Vec<_> = found.iter().filter_map(|process| send(*process, Signal::KILL)).collect();
        killed.extend(found);
        for end in ends {
            wait_for_end(&end, deadline);
        }
    }
    killed
}

/// Takes the exit status of every dead child of this process that is chosen.
pub(crate) fn reap(is_chosen: impl Fn(&Process) -> bool) {
    for process in ours().dead_children(this_process()).filter(is_chosen) {
        let _ = waitpid(Pid::from_raw(process.pid.cast_signed()), WaitOptions::NOHANG);
    }
}

/// This process and all below it.
pub(crate) fn ours() -> Snapshot {
    Snapshot::below(this_process())
}

pub(crate) fn this_process() -> u32 {
    getpid().as_raw_pid().cast_unsigned()
}

/// Sends a signal. The descriptor becomes readable when the process ends.
pub(crate) fn send(process: u32, signal: Signal) -> Option<OwnedFd> {
    let process = open(process)?;
    let _ = pidfd_send_signal(&process, signal);
    Some(process)
}

fn open(process: u32) -> Option<OwnedFd> {
    pidfd_open(Pid::from_raw(process.cast_signed())?, PidfdFlags::empty()).ok()
}

fn wait_for_end(process: &OwnedFd, deadline: Instant) {
    let left = deadline.saturating_duration_since(Instant::now());
    let left = Timespec::try_from(left).unwrap_or_default();
    let _ = poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&left));
}
