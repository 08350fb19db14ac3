//! The descriptors of the backend fail, and a new backend takes over.

use crate::support::{LiveText, OwnedNotice, is_long_tier};
use filewatch::Degraded;
use std::fs::{self, File};
use std::mem::ManuallyDrop;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::process::Command;

/// Runs the ignored test of this name in a process of its own.
#[track_caller]
fn alone(test: &str) {
    let this = std::env::current_exe().unwrap();
    let name = format!("backend_failure::{test}");
    let output = Command::new(this).args(["--exact", &name, "--ignored", "--nocapture"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

/// The descriptors of this process, with their targets.
fn descriptors() -> Vec<(RawFd, String)> {
    let all = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
    let known = all.filter_map(|path| Some((path.clone(), fs::read_link(&path).ok()?)));
    known
        .map(|(path, target)| {
            (path.file_name().unwrap().to_str().unwrap().parse().unwrap(), target.display().to_string())
        })
        .collect()
}

/// Replaces the only descriptor of this kind by one of `/dev/null`.
#[track_caller]
fn break_descriptor(kind: &str) {
    let found: Vec<RawFd> =
        descriptors().into_iter().filter(|(_, target)| target.contains(kind)).map(|(fd, _)| fd).collect();
    assert_eq!(found.len(), 1, "`{kind}` in {:?}", descriptors());
    // SAFETY: the descriptor is open, and stays its owner's: it is replaced in one step, and not closed here.
    #[allow(unsafe_code)]
    let mut victim = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(found[0]) });
    rustix::io::dup2(File::open("/dev/null").unwrap(), &mut victim).unwrap();
}

#[test]
fn when_a_descriptor_fails_that_is_told_and_another_takes_its_place() {
    if !is_long_tier() {
        return;
    }
    for test in ["the_queue_fails", "the_eventfd_fails"] {
        alone(test);
    }
}

#[test]
#[ignore = "run alone by when_a_descriptor_fails_that_is_told_and_another_takes_its_place"]
fn the_queue_fails() {
    fails_and_recovers("inotify");
}

#[test]
#[ignore = "run alone by when_a_descriptor_fails_that_is_told_and_another_takes_its_place"]
fn the_eventfd_fails() {
    fails_and_recovers("eventfd");
}

fn fails_and_recovers(kind: &str) {
    let (_folder, path, live) = LiveText::of("file", "old");
    let before = descriptors().len();
    for round in 0..3 {
        break_descriptor(kind);
        // This wakes the thread, which finds the broken descriptor.
        fs::write(&path, format!("{round} fails")).unwrap();
        let mut notices = [live.next(), live.next(), live.next()];
        notices.sort_by_key(|notice| !matches!(notice, OwnedNotice::Published(..)));
        assert!(
            matches!(&notices[0], OwnedNotice::Published(text, _) if *text == format!("{round} fails")),
            "{notices:?}"
        );
        let no_events = Degraded::NoEvents;
        assert_eq!(
            notices[1..],
            [OwnedNotice::Degraded(no_events), OwnedNotice::Recovered(no_events)],
            "{notices:?}"
        );
        assert_eq!(live.live.degraded(), []);
        fs::write(&path, format!("{round} lives")).unwrap();
        live.publishes_once(&format!("{round} lives"));
        assert_eq!(descriptors().len(), before);
    }
}
