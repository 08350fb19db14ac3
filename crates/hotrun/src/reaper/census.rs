//! Who lives, and whose child it is.

use std::collections::BTreeMap;
use std::fs;

use crate::reaper::MARK;

/// Processes at one moment.
#[derive(Debug)]
pub(super) struct Census {
    processes: BTreeMap<u32, Process>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    parent: u32,
    group: u32,
    dead: bool,
}

impl Census {
    /// Every process of the machine that we may see.
    pub(super) fn of_all() -> Census {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        Census::of(entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()))
    }

    /// This process and all below it: much less to read.
    pub(super) fn below(root: u32) -> Census {
        let mut found = vec![root];
        let mut at = 0;
        while let Some(process) = found.get(at) {
            match children(*process) {
                Some(children) => found.extend(children),
                // The kernel was built without these lists.
                None if at == 0 => return Census::of_all(),
                None => {}
            }
            at += 1;
        }
        Census::of(found.into_iter())
    }

    fn of(numbers: impl Iterator<Item = u32>) -> Census {
        let stats = numbers.filter_map(|number| fs::read_to_string(format!("/proc/{number}/stat")).ok());
        let processes = stats.filter_map(|stat| Process::parse(&stat));
        Census { processes: processes.map(|process| (process.pid, process)).collect() }
    }

    /// The living ones in the group, below its leader, or with a mark that begins like this.
    pub(super) fn members(&self, group: u32, mark: &str) -> Vec<u32> {
        let belongs = |process: &&Process| {
            process.group == group
                || process.pid == group
                || self.descends(process, group)
                || process.marked(mark)
        };
        self.living().filter(belongs).map(|process| process.pid).collect()
    }

    /// The living ones below a process.
    pub(super) fn descendants(&self, of: u32) -> Vec<u32> {
        self.living().filter(|process| self.descends(process, of)).map(|process| process.pid).collect()
    }

    /// The living ones whose mark begins like this.
    pub(super) fn marked(&self, prefix: &str) -> Vec<u32> {
        self.living().filter(|process| process.marked(prefix)).map(|process| process.pid).collect()
    }

    /// Children that have ended and that nobody has waited for.
    pub(super) fn dead_children(self, of: u32) -> impl Iterator<Item = Process> {
        self.processes.into_values().filter(move |process| process.dead && process.parent == of)
    }

    fn living(&self) -> impl Iterator<Item = &Process> {
        self.processes.values().filter(|process| !process.dead)
    }

    fn descends(&self, process: &Process, from: u32) -> bool {
        let mut parent = process.parent;
        // Processes come and go while they are counted: a chain may be broken, or even closed.
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
    /// Reads `/proc/PID/stat`, where the name is in brackets and may contain anything.
    fn parse(stat: &str) -> Option<Process> {
        let (pid, rest) = stat.split_once(' ')?;
        let (_, rest) = rest.rsplit_once(')')?;
        let mut fields = rest.split_whitespace();
        let dead = matches!(fields.next()?, "Z" | "X");
        let mut number = |skipped| fields.nth(skipped)?.parse().ok();
        let (parent, group) = (number(0)?, number(0)?);
        // The first thread may be gone before the others are.
        let threads = number(14).unwrap_or(0);
        Some(Process { pid: pid.parse().ok()?, parent, group, dead: dead && threads <= 1 })
    }

    /// Whether it is in the group and not its leader.
    pub(super) fn is_follower(&self, group: u32) -> bool {
        self.group == group && self.pid != group
    }

    /// Whether it was started, however indirectly, by whoever gave out marks that begin like this. A dead process has
    /// no environment any more.
    fn marked(&self, prefix: &str) -> bool {
        let environment = fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default();
        let mark = format!("{MARK}={prefix}");
        environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(mark.as_bytes()))
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

    use super::{Census, Process};

    fn census(lines: &[&str]) -> Census {
        let processes = lines.iter().map(|line| Process::parse(line).unwrap());
        Census { processes: processes.map(|process| (process.pid, process)).collect() }
    }

    #[test]
    fn what_is_below_us_is_found_without_reading_all() {
        let mut child = Command::new("sh").args(["-c", "sleep 60 & wait"]).spawn().unwrap();
        loop {
            let found = Census::below(process::id()).members(child.id(), "no mark");
            let all = Census::of_all().descendants(child.id());
            // The shell, and what it has started by now.
            if found.len() == 2 && all.len() == 1 {
                assert!(found.contains(&child.id()) && found.contains(&all[0]), "{found:?} {all:?}");
                break;
            }
        }
        for process in Census::below(process::id()).descendants(child.id()) {
            crate::reaper::send(process, rustix::process::Signal::KILL);
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
    fn who_has_left_the_group_is_still_below_its_leader() {
        let census = census(&[
            "10 (hotrun) S 1 10",
            "20 (server) S 10 20",
            "21 (worker) S 20 20",
            "22 (own group) S 21 22",
            "23 (dead) Z 21 20",
            "30 (another) S 10 30",
            "31 (a) S 32 31",
            "32 (loop) S 31 31",
        ]);
        assert_eq!(census.members(20, "nobody has this mark"), [20, 21, 22]);
        assert_eq!(census.descendants(10), [20, 21, 22, 30]);
        assert_eq!(census.dead_children(21).map(|process| process.pid).collect::<Vec<_>>(), [23]);
    }
}
