//! Leaves no descendant behind.
//!
//! A program may fork twice, take a session of its own, and be nobody's child any more. So every program starts with a
//! mark in its environment, which its descendants inherit; and orphans come to us.

mod census;

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, pidfd_open, pidfd_send_signal, set_child_subreaper, waitpid,
};

use crate::guardian;
use crate::reaper::census::{Census, Process};

/// The variable by which descendants are known.
pub(crate) const MARK: &str = "HOTRUN_MARK";

/// A process that is not gone so long after `SIGKILL` hangs in the kernel, and nobody can end it.
const PATIENCE: Duration = Duration::from_secs(5);

/// What [`MARK`] says in the programs that this hotrun starts, and in those that `leader` starts.
pub(crate) fn mark(hotrun: u32, leader: u32) -> String {
    format!("{}{leader}.", prefix(hotrun))
}

/// Makes this process the one that orphaned descendants come to.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// The living processes of the group, the descendants of its leader, and those that it has lost sight of.
pub(crate) fn members(group: u32) -> Vec<u32> {
    ours().members(group, &mark(us(), group))
}

/// The members that have one of `servers` below them and are none themselves.
pub(crate) fn launchers(group: u32, servers: &[u32]) -> Vec<u32> {
    let census = ours();
    let mut found = census.members(group, &mark(us(), group));
    found.retain(|process| {
        !servers.contains(process) && census.descendants(*process).iter().any(|below| servers.contains(below))
    });
    found
}

/// Sends the signal to those members of the group that are chosen, whatever group or session they are in by now.
pub(crate) fn signal(group: u32, signal: i32, is_chosen: impl Fn(u32) -> bool) {
    let Some(signal) = Signal::from_named_raw(signal) else { return };
    for process in members(group).into_iter().filter(|process| is_chosen(*process)) {
        send(process, signal);
    }
}

/// Waits until no member of the group is left, for so long at most.
pub(crate) fn wait(group: u32, longest: Duration) {
    let deadline = Instant::now() + longest;
    while Instant::now() < deadline {
        let left = members(group);
        if left.is_empty() {
            return;
        }
        for process in left {
            let process = Pid::from_raw(process.cast_signed());
            let Some(Ok(end)) = process.map(|process| pidfd_open(process, PidfdFlags::empty())) else {
                continue;
            };
            until_it_ends(&end, deadline);
        }
    }
}

/// Kills and reaps whatever is left of the group and of its descendants. The leader's status is left to whoever
/// waits for it.
pub(crate) fn sweep(group: u32) {
    let mark = mark(us(), group);
    let mut killed = kill_until_none(ours, |census| census.members(group, &mark));
    killed.retain(|process| *process != group);
    reap(|process| killed.contains(&process.pid) || process.is_follower(group));
}

/// Kills and reaps every descendant of this process but the guardian, which ends by itself. Whoever waits for one of
/// them has done so.
pub(crate) fn sweep_all() {
    kill_until_none(ours, |census| {
        let mut found = census.descendants(us());
        found.retain(|process| !guardian::is_one(*process));
        found
    });
    reap(|_| true);
}

/// Kills every process of these groups, and whatever else a hotrun that is dead by now has started.
pub(crate) fn avenge(prefix: &str, groups: &[u32]) {
    kill_until_none(Census::of_all, |census| {
        let mut found = census.marked(prefix);
        found.extend(groups.iter().flat_map(|group| census.members(*group, prefix)));
        found
    });
}

/// How every mark of a hotrun begins: with its process id, which may be given again, and when it started.
pub(crate) fn prefix(hotrun: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{hotrun}/stat")).unwrap_or_default();
    let started = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(19));
    format!("{hotrun}-{}-", started.unwrap_or("0"))
}

/// New ones may be born while the known ones are killed. Gives all that were.
fn kill_until_none(count: impl Fn() -> Census, find: impl Fn(&Census) -> Vec<u32>) -> Vec<u32> {
    let deadline = Instant::now() + PATIENCE;
    let mut killed = Vec::new();
    while Instant::now() < deadline {
        let found = find(&count());
        if found.is_empty() {
            break;
        }
        let ends: Vec<_> = found.iter().filter_map(|process| send(*process, Signal::KILL)).collect();
        killed.extend(found);
        for end in ends {
            until_it_ends(&end, deadline);
        }
    }
    killed
}

fn until_it_ends(process: &OwnedFd, deadline: Instant) {
    let left = deadline.saturating_duration_since(Instant::now());
    let left = Timespec::try_from(left).unwrap_or_default();
    let _ = poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&left));
}

/// The descriptor becomes readable when the process ends.
fn send(process: u32, signal: Signal) -> Option<OwnedFd> {
    let process = pidfd_open(Pid::from_raw(process.cast_signed())?, PidfdFlags::empty()).ok()?;
    let _ = pidfd_send_signal(&process, signal);
    Some(process)
}

fn reap(is_one: impl Fn(&Process) -> bool) {
    for process in ours().dead_children(us()).filter(is_one) {
        let _ = waitpid(Pid::from_raw(process.pid.cast_signed()), WaitOptions::NOHANG);
    }
}

fn ours() -> Census {
    Census::below(us())
}

fn us() -> u32 {
    getpid().as_raw_pid().cast_unsigned()
}
