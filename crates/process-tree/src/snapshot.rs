//! The processes of the machine at one moment.

use std::{collections::BTreeMap, fs};

use crate::mark;

/// Processes, by their id.
#[derive(Debug)]
pub(crate) struct Snapshot {
    processes: BTreeMap<u32, Process>,
}

/// The kernel's record of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    parent: u32,
    group: u32,
    dead: bool,
}

impl Snapshot {
    /// Every process of the machine that this one may see.
    pub(crate) fn of_all() -> Snapshot {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        Snapshot::of(entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()))
    }

    /// The process `root` and all below it. Reads much less than [`Snapshot::of_all`].
    pub(crate) fn below(root: u32) -> Snapshot {
        let mut found = vec![root];
        let mut at = 0;
        while let Some(process) = found.get(at) {
            match children(*process) {
                Some(children) => found.extend(children),
                // The kernel was built without these lists.
                None if at == 0 => return Snapshot::of_all(),
                None => {}
            }
            at += 1;
        }
        Snapshot::of(found.into_iter())
    }

    fn of(numbers: impl Iterator<Item = u32>) -> Snapshot {
        let stats = numbers.filter_map(|number| fs::read_to_string(format!("/proc/{number}/stat")).ok());
        let processes = stats.filter_map(|stat| Process::parse(&stat));
        Snapshot { processes: processes.map(|process| (process.pid, process)).collect() }
    }

    /// The living processes in the group of `leader`, below it, or with a mark that begins with `mark`.
    pub(crate) fn members(&self, leader: u32, mark: &str) -> Vec<u32> {
        let belongs = |process: &&Process| {
            process.group == leader
                || process.pid == leader
                || self.descends(process, leader)
                || mark::is_on(process.pid, mark)
        };
        self.living().filter(belongs).map(|process| process.pid).collect()
    }

    /// The living processes below `of`.
    pub(crate) fn descendants(&self, of: u32) -> Vec<u32> {
        self.living().filter(|process| self.descends(process, of)).map(|process| process.pid).collect()
    }

    /// The living processes whose mark begins with `prefix`.
    pub(crate) fn marked(&self, prefix: &str) -> Vec<u32> {
        self.living().filter(|process| mark::is_on(process.pid, prefix)).map(|process| process.pid).collect()
    }

    /// The children of `of` that have ended and that were not waited for.
    pub(crate) fn dead_children(self, of: u32) -> impl Iterator<Item = Process> {
        self.processes.into_values().filter(move |process| process.dead && process.parent == of)
    }

    fn living(&self) -> impl Iterator<Item = &Process> {
        self.processes.values().filter(|process| !process.dead)
    }

    fn descends(&self, process: &Process, from: u32) -> bool {
        let mut parent = process.parent;
        // Processes come and go while they are read: a chain may be broken, or even closed.
        for _ in 0..self.processes.len() {
            if parent == from {
                return true;
            }
            let Some(next) = self.processes.get(&parent) else { return false };
            parent = next.parent;
        }
        false
    }
}

impl Process {
    /// Reads `/proc/PID/stat`. The name in it is in brackets and may contain anything.
    fn parse(stat: &str) -> Option<Process> {
        let (pid, rest) = stat.split_once(' ')?;
        let (_, rest) = rest.rsplit_once(')')?;
        let mut fields = rest.split_whitespace();
        let dead = matches!(fields.next()?, "Z" | "X");
        let mut number = |skipped| fields.nth(skipped)?.parse().ok();
        let (parent, group) = (number(0)?, number(0)?);
        // The first thread may end before the others do: then the process lives, and its state is `Z`.
        let threads = number(14).unwrap_or(0);
        Some(Process { pid: pid.parse().ok()?, parent, group, dead: dead && threads <= 1 })
    }

    /// True if it is in the group of `leader` and not `leader` itself.
    pub(crate) fn is_follower(&self, leader: u32) -> bool {
        self.group == leader && self.pid != leader
    }
}

/// The children of all threads of a process.
fn children(process: u32) -> Option<Vec<u32>> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?.flatten();
    let mut found = Vec::new();
    for thread in threads {
        let listed = fs::read_to_string(thread.path().join("children")).ok()?;
        found.extend(listed.split_whitespace().filter_map(|number| number.parse::<u32>().ok()));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use std::process::{self, Command};

    use super::{Process, Snapshot};

    fn snapshot(lines: &[&str]) -> Snapshot {
        let processes = lines.iter().map(|line| Process::parse(line).unwrap());
        Snapshot { processes: processes.map(|process| (process.pid, process)).collect() }
    }

    #[test]
    fn the_processes_below_this_one_are_found_without_reading_all() {
        let mut child = Command::new("sh").args(["-c", "sleep 60 & wait"]).spawn().unwrap();
        loop {
            let found = Snapshot::below(process::id()).members(child.id(), "no mark");
            let all = Snapshot::of_all().descendants(child.id());
            // The shell, and what it has started by now.
            if found.len() == 2 && all.len() == 1 {
                assert!(found.contains(&child.id()) && found.contains(&all[0]), "{found:?} {all:?}");
                break;
            }
        }
        for process in Snapshot::below(process::id()).descendants(child.id()) {
            crate::process_tree::send(process, rustix::process::Signal::KILL);
        }
        child.wait().unwrap();
    }

    #[test]
    fn a_name_may_contain_anything() {
        let process = Process::parse("42 (a) S 1 (b)) Z 7 40 3 0").unwrap();
        assert_eq!(process, Process { pid: 42, parent: 7, group: 40, dead: true });
        for broken in ["", "42", "42 (a", "x (a) S 1 1", "42 (a) S x 1"] {
            assert_eq!(Process::parse(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn a_process_whose_first_thread_is_gone_lives_on() {
        let stat = |threads| format!("42 (a) Z 7 40 40 0 -1 0 0 0 0 0 0 0 0 0 20 0 {threads} 0");
        for (threads, dead) in [(0, true), (1, true), (2, false)] {
            assert_eq!(Process::parse(&stat(threads)).map(|process| process.dead), Some(dead), "{threads}");
        }
    }

    #[test]
    fn a_process_that_left_the_group_is_still_below_its_leader() {
        let snapshot = snapshot(&[
            "10 (hotrun) S 1 10",
            "20 (server) S 10 20",
            "21 (worker) S 20 20",
            "22 (own group) S 21 22",
            "23 (dead) Z 21 20",
            "30 (another) S 10 30",
            "31 (a) S 32 31",
            "32 (loop) S 31 31",
        ]);
        assert_eq!(snapshot.members(20, "a mark that no process has"), [20, 21, 22]);
        assert_eq!(snapshot.descendants(10), [20, 21, 22, 30]);
        assert_eq!(snapshot.dead_children(21).map(|process| process.pid).collect::<Vec<_>>(), [23]);
    }
}
