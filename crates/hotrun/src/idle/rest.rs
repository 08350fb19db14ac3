//! Finds out whether a program waits for something.

use std::fs;

use process_tree::ProcessTree;

/// True if every thread of the program sleeps: none computes, and none waits for a disk.
pub(crate) fn rests(tree: ProcessTree) -> bool {
    let members = tree.members();
    !members.is_empty() && members.into_iter().flat_map(threads).all(|stat| is_asleep(&stat))
}

/// The text of `/proc/PID/task/TID/stat` of each thread.
fn threads(process: u32) -> impl Iterator<Item = String> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    threads.filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok())
}

/// Reads the state, which follows the name in brackets.
fn is_asleep(stat: &str) -> bool {
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['S', 'I']))
}

#[cfg(test)]
mod tests {
    use super::is_asleep;

    #[test]
    fn the_state_follows_the_name() {
        for (stat, expected) in [
            ("1 (a) S 0 1", true),
            ("1 (a) R) S 0 1", true),
            ("1 (S) R 0 1", false),
            ("1 (a) D 0 1", false),
            ("1 (a) T 0 1", false),
            ("", false),
        ] {
            assert_eq!(is_asleep(stat), expected, "{stat}");
        }
    }
}
