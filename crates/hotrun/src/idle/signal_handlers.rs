//! Finds out whether a program handles a signal.

use std::fs::{self, File};
use std::io::Read;

use process_tree::ProcessTree;

use crate::idle::sockets::sockets_of;

/// The note of a Go program lies within the first bytes of its file.
const HEAD: u64 = 8 * 1024;

/// Runtimes that have a handler for every signal. By default it ends the program, as the kernel would.
const RUNTIMES: [&str; 4] = ["beam.smp", "dotnet", "java", "ruby"];

/// The language of a program, as far as its executable shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Language {
    Go,
    JavaScript,
    Python,
    #[default]
    Other,
}

impl Language {
    /// The language of a running process.
    pub(crate) fn of(process: u32) -> Language {
        let name = name(process);
        if is_go(process) {
            Language::Go
        } else if ["node", "bun", "deno"].contains(&name.as_str()) {
            Language::JavaScript
        } else if name.starts_with("python") || name.starts_with("pypy") {
            Language::Python
        } else {
            Language::Other
        }
    }
}

/// True if every process of the program that holds a socket has a handler for the signal. A handler of the language's runtime
/// does not count.
pub(crate) fn is_handled(tree: ProcessTree, signal: i32) -> bool {
    let members = tree.members();
    let has_socket = |process: &u32| sockets_of(*process).next().is_some();
    let mut servers: Vec<u32> = members.iter().copied().filter(has_socket).collect();
    if servers.is_empty() {
        servers = members;
    }
    servers.into_iter().all(|process| has_handler(process, signal) && !is_handled_by_runtime(process))
}

/// True if the process has a handler for the signal. A handler of the language's runtime counts.
pub(crate) fn has_handler(process: u32, signal: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    is_caught(&status, signal)
}

/// Reads the mask of caught signals in `/proc/PID/status`.
fn is_caught(status: &str, signal: i32) -> bool {
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    caught >> (signal - 1) & 1 == 1
}

fn is_handled_by_runtime(process: u32) -> bool {
    RUNTIMES.contains(&name(process).as_str()) || is_go(process)
}

/// The name of the file that the process executes; empty if it cannot be read.
fn name(process: u32) -> String {
    let file = fs::read_link(format!("/proc/{process}/exe")).unwrap_or_default();
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_go(process: u32) -> bool {
    let mut head = Vec::new();
    let read =
        File::open(format!("/proc/{process}/exe")).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    read.is_ok() && has_go_note(&head)
}

/// True if there is the note that Go's linker writes: type 4, the build id.
fn has_go_note(head: &[u8]) -> bool {
    const TYPE_AND_NAME: &[u8] = b"\x04\0\0\0Go\0\0";
    head.windows(TYPE_AND_NAME.len()).any(|window| window == TYPE_AND_NAME)
}

#[cfg(test)]
mod tests {
    use super::{has_go_note, is_caught};

    #[test]
    fn the_mask_of_caught_signals_is_read() {
        let status = "Name:\tx\nSigIgn:\tffffffffffffffff\nSigCgt:\t0000000000004002\n";
        assert!(is_caught(status, libc::SIGTERM) && is_caught(status, libc::SIGINT));
        assert!(!is_caught(status, libc::SIGHUP) && !is_caught("", libc::SIGTERM));
    }

    #[test]
    fn a_go_program_is_known_by_its_note() {
        assert!(has_go_note(b"\x7fELF....\x04\0\0\0\x53\0\0\0\x04\0\0\0Go\0\0abc"));
        assert!(!has_go_note(b"\x7fELF....\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0abc"));
    }
}
