//! Changed files below some roots, in batches.

use crate::support::{AFTERMATH, DEADLINE, Folder, is_long_tier, options};
use filewatch::Watcher;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

fn open(root: &Path) -> Watcher {
    Watcher::open(options(), [root], |folder| !folder.ends_with("target"))
}

/// Every reported path until none has come for a while.
fn changes(watcher: &mut Watcher) -> Vec<PathBuf> {
    let mut all = watcher.next(DEADLINE);
    loop {
        let more = watcher.next(AFTERMATH);
        if more.is_empty() {
            all.sort();
            all.dedup();
            return all;
        }
        all.extend(more);
    }
}

#[test]
fn saves_of_every_kind_are_named() {
    let folder = Folder::new();
    let (a, b) = (folder.write("src/a.rs", "1"), folder.write("src/deep/b.rs", "1"));
    let mut watcher = open(&folder.path);
    fs::write(&a, "2").unwrap();
    assert_eq!(changes(&mut watcher), std::slice::from_ref(&a));
    fs::rename(folder.write("target/tmp", "2"), &b).unwrap();
    assert_eq!(changes(&mut watcher), std::slice::from_ref(&b));
    let c = folder.join("src/c.rs");
    fs::rename(&a, &c).unwrap();
    assert_eq!(changes(&mut watcher), [a, c]);
    fs::remove_file(&b).unwrap();
    assert_eq!(changes(&mut watcher), [b]);
    let hidden = folder.write(".cargo/config.toml", "x");
    assert_eq!(changes(&mut watcher), [hidden]);
}

#[test]
fn folders_that_come_and_go_are_named_by_their_files() {
    if !is_long_tier() {
        return;
    }
    let folder = Folder::new();
    folder.write("a", "1");
    let mut watcher = open(&folder.path);
    let b = folder.write("new/and/deep/b", "1");
    assert_eq!(changes(&mut watcher), std::slice::from_ref(&b));
    fs::write(&b, "2").unwrap();
    assert_eq!(changes(&mut watcher), std::slice::from_ref(&b));
    fs::rename(folder.join("new"), folder.join("moved")).unwrap();
    let moved = folder.join("moved/and/deep/b");
    assert_eq!(changes(&mut watcher), [moved.clone(), b]);
    fs::write(&moved, "3").unwrap();
    assert_eq!(changes(&mut watcher), std::slice::from_ref(&moved));
    fs::remove_dir_all(folder.join("moved")).unwrap();
    assert_eq!(changes(&mut watcher), [moved]);
}

#[test]
fn what_was_not_entered_and_what_was_only_read_is_not_named() {
    let folder = Folder::new();
    let a = folder.write("a", "1");
    folder.write("target/debug/x", "1");
    let mut watcher = open(&folder.path);
    folder.write("target/debug/x", "2");
    folder.write("target/new/y", "2");
    fs::read(&a).unwrap();
    fs::set_permissions(&a, fs::metadata(&a).unwrap().permissions()).unwrap();
    assert_eq!(watcher.next(AFTERMATH), Vec::<PathBuf>::new());
}

/// The quiet is longer than the test may take, so that a file that is never closed holds up whatever waits for it.
#[test]
fn a_file_that_does_not_count_holds_up_no_other() {
    let folder = Folder::new();
    let source = folder.write("main.rs", "1");
    let mut busy = fs::File::create(folder.join("app.log")).unwrap();
    let fresh = |counts: fn(&Path) -> bool| {
        let watch = options().quiet(DEADLINE * 10);
        Watcher::open(watch, [&folder.path], |_| true).counting(counts)
    };
    let mut watcher = fresh(|path| path.extension().is_some_and(|ending| ending == "rs"));
    busy.write_all(b"line").unwrap();
    fs::write(&source, "2").unwrap();
    assert_eq!(watcher.next(DEADLINE), std::slice::from_ref(&source));
    // In a folder that is new, where nothing is known yet.
    let elsewhere = Folder::new();
    elsewhere.write("new/other.rs", "1");
    busy.write_all(b"line").unwrap();
    fs::rename(elsewhere.join("new"), folder.join("new")).unwrap();
    assert!(changes(&mut watcher).contains(&folder.join("new/other.rs")));
    // The control: where it counts, nothing is named before it is at rest.
    let mut watcher = fresh(|_| true);
    busy.write_all(b"line").unwrap();
    fs::write(&source, "3").unwrap();
    assert_eq!(watcher.next(AFTERMATH), Vec::<PathBuf>::new());
}

#[test]
fn what_does_not_count_is_named_when_it_is_at_rest() {
    let folder = Folder::new();
    let log = folder.write("app.log", "1");
    let mut watcher = open(&folder.path).counting(|path| path.ends_with("main.rs"));
    let mut file = fs::File::options().append(true).open(&log).unwrap();
    file.write_all(b"2").unwrap();
    assert_eq!(changes(&mut watcher), std::slice::from_ref(&log));
}

#[test]
fn roots_may_be_missing_files_and_behind_symlinks() {
    if !is_long_tier() {
        return;
    }
    let folder = Folder::new();
    folder.write("v1/src/a", "1");
    folder.write("v2/src/a", "another");
    symlink("v1", folder.join("current")).unwrap();
    let (root, missing) = (folder.join("current/src"), folder.join("not/yet"));
    let mut watcher = Watcher::open(options(), [&root, &missing], |_| true);
    folder.write("v1/src/a", "2");
    assert_eq!(changes(&mut watcher), [root.join("a")]);
    symlink("v2", folder.join("next")).unwrap();
    fs::rename(folder.join("next"), folder.join("current")).unwrap();
    assert_eq!(changes(&mut watcher), [root.join("a")]);
    folder.write("v2/src/a", "3");
    assert_eq!(changes(&mut watcher), [root.join("a")]);
    folder.write("not/yet", "there");
    assert_eq!(changes(&mut watcher), std::slice::from_ref(&missing));
    fs::write(&missing, "saved").unwrap();
    assert_eq!(changes(&mut watcher), [missing]);
}

/// A file that is touched without a pause is looked at again and again, and is never changed.
#[test]
fn the_timeout_holds_while_events_come_without_a_pause() {
    let folder = Folder::new();
    let a = folder.write("a", "1");
    for (quiet, save) in [
        (Duration::from_millis(1), set_mode as fn(&Path, u32)),
        (Duration::from_mins(1), |path, round| {
            fs::write(path.with_extension(round.to_string()), "").unwrap();
        }),
    ] {
        let mut watcher = Watcher::open(options().quiet(quiet), [&a], |_| true);
        let done = AtomicBool::new(false);
        let (tell, told) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0.. {
                    save(&a, round % 2);
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
            scope.spawn(move || tell.send(watcher.next(Duration::from_millis(100))));
            let changes = told.recv_timeout(DEADLINE);
            done.store(true, Ordering::Relaxed);
            assert_eq!(changes, Ok(Vec::new()), "it returns although events go on");
        });
    }
}

#[test]
fn a_timeout_may_be_nothing_or_for_ever() {
    let folder = Folder::new();
    let a = folder.write("a", "1");
    let for_ever = options().quiet(Duration::MAX).poll(Duration::MAX);
    let mut watcher = Watcher::open(for_ever, [&a], |_| true);
    fs::write(&a, "2").unwrap();
    let end = Instant::now() + DEADLINE;
    let mut changes = Vec::new();
    while changes.is_empty() && Instant::now() < end {
        changes = watcher.next(Duration::ZERO);
    }
    assert_eq!(changes, std::slice::from_ref(&a));
    fs::write(&a, "3").unwrap();
    assert_eq!(watcher.next(Duration::MAX), [a]);
}

fn set_mode(path: &Path, round: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o644 + round)).unwrap();
}

#[test]
fn without_events_changes_are_found_by_looking() {
    let folder = Folder::new();
    let a = folder.write("a", "1");
    let watch = options().without_events().poll(Duration::from_millis(100));
    let mut watcher = Watcher::open(watch, [&folder.path], |_| true);
    fs::write(&a, "22").unwrap();
    let b = folder.write("new/b", "1");
    assert_eq!(changes(&mut watcher), [a, b]);
}
