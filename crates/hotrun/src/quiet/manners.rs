//! Whether a program does something of its own at a signal.

use std::fs::{self, File};
use std::io::Read;

use crate::quiet::links_of;
use crate::reaper;

/// Where a Go program's note is: among the first headers.
const HEAD: u64 = 8 * 1024;

/// Runtimes that handle every signal themselves, and then mostly end the program as the kernel would.
const RUNTIMES: [&str; 4] = ["beam.smp", "dotnet", "java", "ruby"];

/// Whether every process of the group that holds a socket has a handler for the signal, which its program, not the
/// runtime of its language, has installed.
pub(crate) fn catches(group: u32, signal: i32) -> bool {
    let members = reaper::members(group);
    let mut servers: Vec<u32> = members.iter().copied().filter(|process| has_socket(*process)).collect();
    if servers.is_empty() {
        servers = members;
    }
    servers.into_iter().all(|process| handles(process, signal) && !is_handled_by_runtime(process))
}

fn has_socket(process: u32) -> bool {
    links_of(process).any(|link| link.starts_with("socket:["))
}

fn handles(process: u32, signal: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    has_handler(&status, signal)
}

/// Reads the mask of caught signals.
fn has_handler(status: &str, signal: i32) -> bool {
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    caught >> (signal - 1) & 1 == 1
}

fn is_handled_by_runtime(process: u32) -> bool {
    let program = format!("/proc/{process}/exe");
    let name = fs::read_link(&program).ok();
    let name = name.as_deref().and_then(|name| name.file_name()?.to_str()).unwrap_or_default();
    let mut head = Vec::new();
    let read = File::open(program).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    RUNTIMES.contains(&name) || (read.is_ok() && is_go(&head))
}

/// Go's linker leaves a note of type 4, the build's id.
fn is_go(head: &[u8]) -> bool {
    const TYPE_AND_NAME: &[u8] = b"\x04\0\0\0Go\0\0";
    head.windows(TYPE_AND_NAME.len()).any(|window| window == TYPE_AND_NAME)
}

#[cfg(test)]
mod tests {
    use super::{has_handler, is_go};

    #[test]
    fn the_mask_of_caught_signals_is_read() {
        let status = "Name:\tx\nSigIgn:\tffffffffffffffff\nSigCgt:\t0000000000004002\n";
        assert!(has_handler(status, libc::SIGTERM) && has_handler(status, libc::SIGINT));
        assert!(!has_handler(status, libc::SIGHUP) && !has_handler("", libc::SIGTERM));
    }

    #[test]
    fn a_go_program_is_known_by_its_note() {
        assert!(is_go(b"\x7fELF....\x04\0\0\0\x53\0\0\0\x04\0\0\0Go\0\0abc"));
        assert!(!is_go(b"\x7fELF....\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0abc"));
    }
}
