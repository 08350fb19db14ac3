//! Who lives, and whose child it is.

use std::fs;

use crate::reaper::MARK;

/// Every process of the machine that we may see, at one moment.
#[derive(Debug)]
pub(super) struct Census {
    processes: Vec<Process>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    parent: u32,
    group: u32,
    dead: bool,
}

impl Census {
    pub(super) fn take() -> Census {
        let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let stats = numbers.filter_map(|number| fs::read_to_string(format!("/proc/{number}/stat")).ok());
        Census { processes: stats.filter_map(|stat| Process::parse(&stat)).collect() }
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
        self.processes.into_iter().filter(move |process| process.dead && process.parent == of)
    }

    fn living(&self) -> impl Iterator<Item = &Process> {
        self.processes.iter().filter(|process| !process.dead)
    }

    fn descends(&self, process: &Process, from: u32) -> bool {
        let mut parent = process.parent;
        // Processes come and go while they are counted: a chain may be broken, or even closed.
        for _ in 0..self.processes.len() {
            if parent == from {
                return true;
            }
            let Some(next) = self.processes.iter().find(|process| process.pid == parent) else {
                return false;
            };
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
        let mut number = || fields.next()?.parse().ok();
        Some(Process { pid: pid.parse().ok()?, parent: number()?, group: number()?, dead })
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

#[cfg(test)]
mod tests {
    use super::{Census, Process};

    fn census(lines: &[&str]) -> Census {
        Census { processes: lines.iter().map(|line| Process::parse(line).unwrap()).collect() }
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
