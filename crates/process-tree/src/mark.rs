//! The mark in the environment by which lost descendants are found.

use std::fs;

/// The variable that holds the mark. Every descendant inherits it, also one that has left its group and its session.
pub const MARK: &str = "PROCESS_TREE_MARK";

/// The value of [`MARK`] for the program that `owner` starts as the process `leader`.
pub(crate) fn mark(owner: u32, leader: u32) -> String {
    format!("{}{leader}.", mark_prefix(owner))
}

/// The beginning of every mark of `owner`: its process id, which may be given again, and when it started. The process id of the
/// program and a dot follow.
pub fn mark_prefix(owner: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{owner}/stat")).unwrap_or_default();
    let started = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(19));
    format!("{owner}-{}-", started.unwrap_or("0"))
}

/// True if the process has a mark that begins with `prefix`. A dead process has no environment any more.
pub(crate) fn is_on(process: u32, prefix: &str) -> bool {
    has_variable(process, &format!("{MARK}={prefix}"))
}

/// True if a variable in the environment of the process begins like this, its name included.
pub(crate) fn has_variable(process: u32, start: &str) -> bool {
    let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(start.as_bytes()))
}
