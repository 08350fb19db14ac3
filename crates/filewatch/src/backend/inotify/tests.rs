use super::{Backend, kind};
use crate::backend::message::{EventKind, Message};
use crate::backend::sender::Sender;
use crate::dir_filter::{DirFilter, DirFilters, Scope};
use crate::switches::Switches;
use rustix::fs::inotify::ReadFlags;
use rustix::io::ioctl_fionread;
use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn watching(folders: &[&Path]) -> Backend {
    let mut backend = Backend::open(1, &Switches::default(), &Sender::new().0).unwrap();
    let filter = DirFilter { scope: Scope::Everything, ..DirFilter::default() };
    let filters: DirFilters = folders.iter().map(|folder| (folder.to_path_buf(), filter.clone())).collect();
    backend.set_filters(&Arc::new(filters));
    for folder in folders {
        assert_eq!(backend.watch(folder), Ok(()));
    }
    backend
}

fn closed(backend: &mut Backend) -> Vec<PathBuf> {
    let mut messages = VecDeque::new();
    assert!(backend.read_all(&mut messages));
    let closed = messages.into_iter().filter_map(|message| match message {
        Message::Event(EventKind::Closed, path) => Some(path),
        _ => None,
    });
    closed.collect()
}

#[test]
fn events_of_the_past_are_read_without_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut backend = watching(&[folder.path()]);
    for round in 0..1000 {
        fs::write(&path, round.to_string()).unwrap();
        assert_eq!(closed(&mut backend), std::slice::from_ref(&path), "{round}");
    }
}

#[test]
fn events_that_come_while_the_queue_is_read_are_left_for_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut backend = watching(&[folder.path()]);
    fs::write(folder.path().join("before"), "").unwrap();
    let queued = ioctl_fionread(&backend.inotify).unwrap().try_into().unwrap();
    fs::write(folder.path().join("meanwhile"), "").unwrap();
    let mut messages = VecDeque::new();
    backend.read(queued, &mut messages);
    assert!(
        matches!(messages.back(), Some(Message::Event(EventKind::Closed, path)) if path.ends_with("before")),
        "{messages:?}"
    );
    assert_eq!(closed(&mut backend), [folder.path().join("meanwhile")]);
}

#[test]
fn a_folder_with_two_paths_is_reported_under_both() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    fs::create_dir(&one).unwrap();
    symlink(&one, &other).unwrap();
    let mut backend = watching(&[&one, &other]);
    fs::write(one.join("file"), "").unwrap();
    assert_eq!(closed(&mut backend), [one.join("file"), other.join("file")]);
    backend.unwatch(&one);
    fs::write(one.join("file"), "").unwrap();
    assert_eq!(closed(&mut backend), [other.join("file")]);
    backend.unwatch(&other);
    fs::write(one.join("file"), "").unwrap();
    assert_eq!(closed(&mut backend), Vec::<PathBuf>::new());
}

#[test]
fn every_event_has_its_kind() {
    for (events, expected) in [
        (ReadFlags::CLOSE_WRITE, Some(EventKind::Closed)),
        (ReadFlags::MOVED_TO | ReadFlags::ISDIR, Some(EventKind::MovedHere)),
        (ReadFlags::MOVED_FROM, Some(EventKind::MovedAway)),
        (ReadFlags::CREATE | ReadFlags::ISDIR, Some(EventKind::Created)),
        (ReadFlags::DELETE, Some(EventKind::Removed)),
        (ReadFlags::MODIFY, Some(EventKind::Written)),
        (ReadFlags::ATTRIB, Some(EventKind::Touched)),
        (ReadFlags::MOVE_SELF, Some(EventKind::MovedAway)),
        (ReadFlags::DELETE_SELF, Some(EventKind::Removed)),
        (ReadFlags::UNMOUNT, Some(EventKind::Removed)),
        (ReadFlags::OPEN, None),
        (ReadFlags::CLOSE_NOWRITE, None),
        (ReadFlags::ACCESS, None),
    ] {
        assert_eq!(kind(events), expected, "{events:?}");
    }
}
