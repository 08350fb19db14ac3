//! A folder with everything below it.

use crate::support::{Folder, LiveText, OwnedNotice, is_long_tier, limits, memory, options};
use filewatch::{Files, Options, ReadError, ReadErrorKind, TreeLimits, Trigger};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn contents(files: &mut Files<'_>, dir: &Path) -> Result<Option<String>, ReadError> {
    let found = files.tree(dir, limits(), |below| below.extension().is_some_and(|end| end == "html"))?;
    let each =
        found.iter().map(|(below, bytes)| format!("{}={} ", below.display(), String::from_utf8_lossy(bytes)));
    Ok(Some(each.collect()))
}

fn open(dir: PathBuf) -> LiveText {
    open_with(options(), dir)
}

fn open_with(options: Options, dir: PathBuf) -> LiveText {
    LiveText::build(options, move |files| contents(files, &dir)).unwrap()
}

#[test]
fn what_is_wanted_is_given_in_order_and_nothing_else() {
    let folder = Folder::new();
    folder.write("t/b.html", "2");
    folder.write("t/a/z.html", "1");
    folder.write("t/.hidden.html", "x");
    folder.write("t/.hidden/a.html", "x");
    folder.write("t/c.txt", "x");
    folder.write("elsewhere/d.html", "3");
    symlink("../elsewhere", folder.join("t/linked")).unwrap();
    symlink("..", folder.join("t/a/circle")).unwrap();
    symlink("../../elsewhere/d.html", folder.join("t/a/one.html")).unwrap();
    let live = open(folder.join("t"));
    assert_eq!(*live.live.snapshot(), "a/one.html=3 a/z.html=1 b.html=2 linked/d.html=3 ");
    folder.write("elsewhere/d.html", "4");
    live.publishes_once("a/one.html=4 a/z.html=1 b.html=2 linked/d.html=4 ");
}

#[test]
fn files_that_come_go_and_change_their_names_count() {
    let folder = Folder::new();
    folder.write("t/a.html", "1");
    let live = open(folder.join("t"));
    folder.write("t/b.html", "2");
    live.publishes_once("a.html=1 b.html=2 ");
    fs::rename(folder.join("t/b.html"), folder.join("t/c.html")).unwrap();
    live.publishes_once("a.html=1 c.html=2 ");
    fs::remove_file(folder.join("t/a.html")).unwrap();
    live.publishes_once("c.html=2 ");
    fs::rename(folder.join("t/c.html"), folder.join("t/c.txt")).unwrap();
    live.publishes_once("");
    fs::rename(folder.write("elsewhere", "3"), folder.join("t/d.html")).unwrap();
    live.publishes_once("d.html=3 ");
}

#[test]
fn files_that_come_go_and_change_their_names_are_found_by_looking() {
    if !is_long_tier() {
        return;
    }
    let folder = Folder::new();
    folder.write("t/a.html", "1");
    let watch = options().without_events().poll(std::time::Duration::from_millis(100));
    let live = open_with(watch, folder.join("t"));
    folder.write("t/b.html", "2");
    live.publishes_once_by("a.html=1 b.html=2 ", Trigger::Poll);
    fs::rename(folder.join("t/b.html"), folder.join("t/c.html")).unwrap();
    live.publishes_once_by("a.html=1 c.html=2 ", Trigger::Poll);
    folder.write("t/new/folder/d.html", "3");
    live.publishes_once_by("a.html=1 c.html=2 new/folder/d.html=3 ", Trigger::Poll);
    fs::remove_dir_all(folder.join("t/new")).unwrap();
    live.publishes_once_by("a.html=1 c.html=2 ", Trigger::Poll);
    fs::write(folder.join("t/a.html"), "9").unwrap();
    live.publishes_once_by("a.html=9 c.html=2 ", Trigger::Poll);
}

#[test]
fn what_is_not_wanted_causes_no_build() {
    let folder = Folder::new();
    folder.write("t/a.html", "1");
    let builds = Arc::new(AtomicUsize::new(0));
    let (counted, dir) = (Arc::clone(&builds), folder.join("t"));
    let live = LiveText::build(options(), move |files| {
        counted.fetch_add(1, Ordering::Relaxed);
        contents(files, &dir)
    })
    .unwrap();
    let before = builds.load(Ordering::Relaxed);
    folder.write("t/a.html~", "x");
    folder.write("t/4913", "x");
    folder.write("t/.a.html.swp", "x");
    fs::remove_file(folder.join("t/a.html~")).unwrap();
    fs::create_dir(folder.join("t/empty")).unwrap();
    fs::remove_dir(folder.join("t/empty")).unwrap();
    live.stays_silent();
    assert_eq!(builds.load(Ordering::Relaxed), before);
}

#[test]
fn new_folders_count_with_the_files_that_are_in_them_already() {
    let folder = Folder::new();
    folder.write("t/a.html", "1");
    let live = open(folder.join("t"));
    folder.write("t/new/deep/er/b.html", "2");
    live.publishes_once("a.html=1 new/deep/er/b.html=2 ");
    folder.write("t/new/deep/er/b.html", "3");
    live.publishes_once("a.html=1 new/deep/er/b.html=3 ");
    folder.write("other/c.html", "4");
    fs::rename(folder.join("other"), folder.join("t/moved")).unwrap();
    live.publishes_once("a.html=1 moved/c.html=4 new/deep/er/b.html=3 ");
    fs::rename(folder.join("t/new"), folder.join("gone")).unwrap();
    live.publishes_once("a.html=1 moved/c.html=4 ");
    folder.write("gone/deep/er/b.html", "nobody's business");
    live.stays_silent();
    fs::remove_dir_all(folder.join("t/moved")).unwrap();
    live.publishes_once("a.html=1 ");
    symlink("../gone", folder.join("t/linked")).unwrap();
    live.publishes_once("a.html=1 linked/deep/er/b.html=nobody's business ");
}

#[test]
fn a_tree_that_vanishes_is_missing_once_and_comes_back() {
    if !is_long_tier() {
        return;
    }
    let folder = Folder::new();
    folder.write("t/a.html", "1");
    let live = open(folder.join("t"));
    for round in 2..5 {
        fs::rename(folder.join("t"), folder.join(&format!("away-{round}"))).unwrap();
        let missing = ReadError { path: folder.join("t"), kind: ReadErrorKind::Missing };
        assert_eq!(live.next(), OwnedNotice::Rejected(missing, Trigger::Event));
        live.stays_silent();
        folder.write("t/sub/a.html", &round.to_string());
        live.publishes_once(&format!("sub/a.html={round} "));
        folder.write("t/sub/a.html", "saved");
        live.publishes_once("sub/a.html=saved ");
    }
    fs::remove_dir_all(folder.join("t")).unwrap();
    folder.write("t", "a file in its place");
    let file = ReadError { path: folder.join("t"), kind: ReadErrorKind::NotAFile("a regular file") };
    assert_eq!(live.next(), OwnedNotice::Rejected(file.clone(), Trigger::Event));
    assert!(file.to_string().ends_with("is a regular file, expected a folder"), "{file}");
}

#[test]
fn a_tree_of_symlinks_is_swapped_whole() {
    let folder = Folder::new();
    let version = |version: &str| {
        for name in ["a.html", "b.html", "c.html"] {
            folder.write(&format!("t/{version}/{name}"), version);
        }
        symlink(version, folder.join("t/..data_tmp")).unwrap();
        fs::rename(folder.join("t/..data_tmp"), folder.join("t/..data")).unwrap();
    };
    version("..1");
    for name in ["a.html", "b.html", "c.html"] {
        symlink(format!("..data/{name}"), folder.join("t").join(name)).unwrap();
    }
    let live = open(folder.join("t"));
    for next in ["..2", "..3", "..4"] {
        version(next);
        live.publishes_once(&format!("a.html={next} b.html={next} c.html={next} "));
    }
}

#[test]
fn of_a_thousand_files_the_one_that_changes_is_seen() {
    if !is_long_tier() {
        return;
    }
    let folder = Folder::new();
    for number in 0..1000 {
        folder.write(&format!("t/{}/{number}.html", number % 10), "x");
    }
    let live = open(folder.join("t"));
    folder.write("t/7/777.html", "y");
    match live.next() {
        OwnedNotice::Published(text, Trigger::Event) => assert_eq!(text.matches("=y ").count(), 1),
        other => panic!("{other:?}"),
    }
    live.stays_silent();
}

#[test]
fn a_file_of_the_tree_that_cannot_be_read_is_named() {
    let folder = Folder::new();
    folder.write("t/a.html", "1");
    let live = open(folder.join("t"));
    symlink("nowhere", folder.join("t/b.html")).unwrap();
    let missing = ReadError { path: folder.join("t/b.html"), kind: ReadErrorKind::Missing };
    assert_eq!(live.next(), OwnedNotice::Rejected(missing, Trigger::Event));
    folder.write("t/nowhere", "2");
    live.publishes_once("a.html=1 b.html=2 ");
}

/// A symlink to a tree that is too large: it is named, nothing behind it is watched, and the rest goes on when it is gone.
#[test]
fn a_symlink_to_a_large_tree_is_named_and_the_tree_is_back_when_it_is_removed() {
    if !is_long_tier() {
        return;
    }
    let folder = Folder::within(&memory());
    folder.write("t/a.html", "1");
    for number in 0..200 {
        fs::create_dir_all(folder.join(&format!("large/{number}"))).unwrap();
        for below in 0..110 {
            fs::create_dir(folder.join(&format!("large/{number}/{below}"))).unwrap();
        }
    }
    let live = open(folder.join("t"));
    fs::create_dir(folder.join("t/sub")).unwrap();
    for (link, target) in [("t/root", "../large"), ("t/sub/root", "../../large")] {
        symlink(target, folder.join(link)).unwrap();
        let kind = ReadErrorKind::TooManyEntries { limit: 20_000 };
        let error = ReadError { path: folder.join(link), kind };
        assert!(
            error.to_string().contains("leads to more than 20000 files and folders: remove the link"),
            "{error}"
        );
        assert_eq!(live.next(), OwnedNotice::Rejected(error, Trigger::Event));
        folder.write("large/7/new.html", "not watched");
        folder.write("t/b.html", "2");
        live.stays_silent();
        fs::remove_file(folder.join(link)).unwrap();
        live.publishes_once("a.html=1 b.html=2 ");
        fs::remove_file(folder.join("t/b.html")).unwrap();
        live.publishes_once("a.html=1 ");
    }
}

#[test]
fn a_tree_of_too_many_or_too_large_files_is_refused_before_it_is_read() {
    let folder = Folder::new();
    folder.write("t/a.html", "12345");
    folder.write("t/b.html", "12345");
    folder.write("t/c.txt", "not counted");
    let refusal = |files, total_bytes| {
        let limits = TreeLimits { files, file_bytes: 5, total_bytes };
        let dir = folder.join("t");
        let build = move |files: &mut Files<'_>| {
            files
                .tree(&dir, limits, |below| below.extension().is_some_and(|end| end == "html"))
                .map(|_| Some(String::new()))
        };
        LiveText::build(options(), build).err().map(|error| error.kind)
    };
    assert_eq!(refusal(2, 10), None);
    assert_eq!(refusal(1, 10), Some(ReadErrorKind::TooManyFiles { found: 2, limit: 1 }));
    assert_eq!(refusal(2, 9), Some(ReadErrorKind::TooLargeTogether { limit: 9 }));
}
