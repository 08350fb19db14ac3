//! Signals.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;

use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::child::Child;
use crate::server::wait_for;

#[test]
fn every_signal_arrives_and_none_kills() {
    let mut child = Child::start("listener_to_signals").spawn();
    assert_eq!(child.line(), "listening");
    child.signal(Signal::USR1);
    child.signal(Signal::USR2);
    assert_eq!(child.line(), "Upgrade");
    child.signal(Signal::INT);
    assert_eq!(child.line(), "Interrupt");
    child.signal(Signal::TERM);
    assert_eq!(child.line(), "Terminate");
    assert!(child.exit().success());
}

#[test]
fn a_hangup_of_a_process_without_a_terminal_asks_for_a_reload() {
    let mut child = Child::through(&["setsid"], "listener_to_signals").spawn();
    assert_eq!(child.line(), "listening");
    child.signal(Signal::HUP);
    assert_eq!(child.line(), "Hangup");
    child.signal(Signal::TERM);
    assert!(child.exit().success());
}

#[test]
fn a_process_stops_when_its_terminal_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("note");
    let (terminal, line) = terminal();
    // The tests may have been started by `nohup`.
    let command = ["setsid", "--ctty", "env", "--default-signal=HUP"];
    let mut child = Child::through(&command, "listener_to_signals")
        .env("LIFECYCLE_TEST_FILE", note.to_str().unwrap())
        .stdin(line)
        .spawn();
    assert_eq!(child.line(), "listening");
    // With the terminal still there it asks for a reload.
    child.signal(Signal::HUP);
    assert_eq!(child.line(), "Hangup");
    drop(terminal);
    wait_for(|| note.exists());
    assert!(child.exit().success());
}

#[test]
fn a_process_under_nohup_outlives_its_terminal() {
    let (terminal, line) = terminal();
    let mut child = Child::through(
        &["setsid", "--ctty", "sh", "-c", "trap '' HUP; exec \"$0\" \"$@\""],
        "listener_to_signals",
    )
    .stdin(line)
    .spawn();
    assert_eq!(child.line(), "listening");
    drop(terminal);
    assert_eq!(child.line(), "Hangup");
    child.terminate();
}

/// A new terminal, and its other end for a process.
fn terminal() -> (std::os::fd::OwnedFd, File) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let flags = i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).unwrap();
    let line = OpenOptions::new().read(true).write(true).custom_flags(flags).open(name).unwrap();
    (terminal, line)
}
