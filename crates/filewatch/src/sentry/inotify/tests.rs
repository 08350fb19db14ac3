use super::{Sentry, sign};
use crate::event::{Hint, Sign};
use crate::letters::Letters;
use crate::ward::{Scope, Ward, Wards};
use rustix::fs::inotify::ReadFlags;
use rustix::io::ioctl_fionread;
use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn watching(folders: &[&Path]) -> Sentry {
    let mut sentry = Sentry::post(1, None, &Letters::open().0);
    let ward = Ward { scope: Scope::Everything, ..Ward::default() };
    let wards: Wards = folders.iter().map(|folder| (folder.to_path_buf(), ward.clone())).collect();
    sentry.attend(&Arc::new(wards));
    for folder in folders {
        assert_eq!(sentry.watch(folder), Ok(()));
    }
    sentry
}

fn closed(sentry: &mut Sentry) -> Vec<PathBuf> {
    let mut heard = VecDeque::new();
    assert!(sentry.catch_up(&mut heard));
    let closed = heard.into_iter().filter_map(|hint| match hint {
        Hint::Seen(Sign::Closed, path) => Some(path),
        _ => None,
    });
    closed.collect()
}

#[test]
fn what_has_happened_is_heard_without_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut sentry = watching(&[folder.path()]);
    for round in 0..1000 {
        fs::write(&path, round.to_string()).unwrap();
        assert_eq!(closed(&mut sentry), std::slice::from_ref(&path), "{round}");
    }
}

#[test]
fn what_comes_while_the_queue_is_read_is_left_for_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut sentry = watching(&[folder.path()]);
    fs::write(folder.path().join("before"), "").unwrap();
    let queue = sentry.0.as_mut().unwrap();
    let queued = ioctl_fionread(&queue.inotify).unwrap().try_into().unwrap();
    fs::write(folder.path().join("meanwhile"), "").unwrap();
    let mut heard = VecDeque::new();
    queue.take(queued, &mut heard);
    assert!(
        matches!(heard.back(), Some(Hint::Seen(Sign::Closed, path)) if path.ends_with("before")),
        "{heard:?}"
    );
    assert_eq!(closed(&mut sentry), [folder.path().join("meanwhile")]);
}

#[test]
fn one_folder_in_two_places_is_heard_of_in_both() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    fs::create_dir(&one).unwrap();
    symlink(&one, &other).unwrap();
    let mut sentry = watching(&[&one, &other]);
    fs::write(one.join("file"), "").unwrap();
    assert_eq!(closed(&mut sentry), [one.join("file"), other.join("file")]);
    sentry.unwatch(&one);
    fs::write(one.join("file"), "").unwrap();
    assert_eq!(closed(&mut sentry), [other.join("file")]);
    sentry.unwatch(&other);
    fs::write(one.join("file"), "").unwrap();
    assert_eq!(closed(&mut sentry), Vec::<PathBuf>::new());
}

#[test]
fn every_event_has_the_sign_that_it_deserves() {
    for (events, expected) in [
        (ReadFlags::CLOSE_WRITE, Some(Sign::Closed)),
        (ReadFlags::MOVED_TO | ReadFlags::ISDIR, Some(Sign::Arrived)),
        (ReadFlags::MOVED_FROM, Some(Sign::Left)),
        (ReadFlags::CREATE | ReadFlags::ISDIR, Some(Sign::Made)),
        (ReadFlags::DELETE, Some(Sign::Gone)),
        (ReadFlags::MODIFY, Some(Sign::Written)),
        (ReadFlags::ATTRIB, Some(Sign::Touched)),
        (ReadFlags::MOVE_SELF, Some(Sign::Left)),
        (ReadFlags::DELETE_SELF, Some(Sign::Gone)),
        (ReadFlags::UNMOUNT, Some(Sign::Gone)),
        (ReadFlags::OPEN, None),
        (ReadFlags::CLOSE_NOWRITE, None),
        (ReadFlags::ACCESS, None),
    ] {
        assert_eq!(sign(events), expected, "{events:?}");
    }
}
