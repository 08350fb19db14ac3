//! The first build, and the moment after it.

use crate::support::{Folder, LIMIT, LiveText, OwnedNotice, is_long_tier, options, text};
use filewatch::{Live, Notice, ReadError, ReadErrorKind, Trigger};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn an_edit_right_after_the_start_is_never_lost() {
    if !is_long_tier() {
        return;
    }
    let folder = Folder::new();
    for round in 0..200 {
        let path = folder.write(&format!("file-{round}"), "old");
        let live = LiveText::open(&path);
        fs::write(&path, "new").unwrap();
        assert_eq!(live.next(), OwnedNotice::Published("new".into(), Trigger::Event), "round {round}");
    }
}

#[test]
fn an_edit_during_the_start_is_never_lost() {
    let folder = Folder::new();
    for round in 0..100 {
        let path = folder.write(&format!("file-{round}"), "old");
        let edited = path.clone();
        let editor = thread::spawn(move || fs::write(edited, "new").unwrap());
        let live = LiveText::open(&path);
        editor.join().unwrap();
        if *live.live.snapshot() != "new" {
            assert_eq!(live.next(), OwnedNotice::Published("new".into(), Trigger::Event), "round {round}");
        }
    }
}

#[test]
fn an_edit_between_the_reading_and_the_watching_is_never_lost() {
    let folder = Folder::new();
    let path = folder.write("file", "old");
    let read = path.clone();
    let mut edit = Some(path);
    let live = LiveText::build(options(), move |files| {
        let text = text(files, &read)?;
        if let Some(path) = edit.take() {
            fs::write(path, "new").unwrap();
        }
        Ok(Some(text))
    })
    .unwrap();
    assert_eq!(*live.live.snapshot(), "new");
}

#[test]
fn a_file_that_is_being_written_does_not_fail_the_start() {
    let folder = Folder::new();
    let path = folder.join("file");
    let mut file = File::create(&path).unwrap();
    file.write_all(b"whole: no").unwrap();
    let writer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(60));
        file.write_all(b", yes").unwrap();
    });
    let build = move |files: &mut filewatch::Files<'_>, _: Option<&_>| -> Result<Option<String>, String> {
        let text = text(files, &path).map_err(|error| error.to_string())?;
        if text.ends_with("yes") { Ok(Some(text)) } else { Err(text) }
    };
    // A writer that is held up for longer than the quiet period looks done.
    let watch = options().quiet(Duration::from_secs(3));
    let live = Live::open(watch, build, |_: Notice<'_, String, String>| {});
    writer.join().unwrap();
    assert_eq!(*live.unwrap().snapshot(), "whole: no, yes");
}

#[test]
fn a_missing_file_fails_the_start_at_once_and_is_named() {
    let folder = Folder::new();
    let path = folder.join("no/such/file");
    let begun = Instant::now();
    let error = LiveText::build(options(), {
        let path = path.clone();
        move |files| text(files, &path).map(Some)
    });
    let error = error.err().unwrap();
    assert_eq!((&error.path, &error.kind), (&path, &ReadErrorKind::Missing));
    assert_eq!(
        error.to_string(),
        format!("`{}` is missing: expected a file there; create it or name another", path.display())
    );
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[test]
fn a_missing_file_that_the_build_can_do_without_is_waited_for() {
    let folder = Folder::new();
    let path = folder.join("not/yet/there");
    let live = LiveText::build(options(), move |files| match text(files, &path) {
        Err(ReadError { kind: ReadErrorKind::Missing, .. }) => Ok(Some("nothing".into())),
        read => read.map(Some),
    })
    .unwrap();
    assert_eq!(*live.live.snapshot(), "nothing");
    folder.write("unrelated", "x");
    fs::create_dir(folder.join("not")).unwrap();
    live.stays_silent();
    folder.write("not/yet/there", "something");
    live.publishes_once("something");
    fs::remove_dir_all(folder.join("not")).unwrap();
    live.publishes_once("nothing");
    folder.write("not/yet/there", "again");
    live.publishes_once("again");
}

/// The error of `Files::read` for `path`.
fn refusal(path: &Path) -> ReadErrorKind {
    let path = path.to_owned();
    LiveText::build(options(), move |files| files.read(&path, 10).map(|_| None)).err().unwrap().kind
}

#[test]
fn what_is_no_file_is_named_and_never_waited_for() {
    let folder = Folder::new();
    assert_eq!(refusal(&folder.path), ReadErrorKind::NotAFile("a directory"));
    let fifo = folder.join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    assert_eq!(refusal(&fifo), ReadErrorKind::NotAFile("a FIFO"));
    let socket = folder.join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    assert_eq!(refusal(&socket), ReadErrorKind::NotAFile("a socket"));
    assert_eq!(refusal(Path::new("/dev/null")), ReadErrorKind::NotAFile("a device"));
    assert_eq!(refusal(&folder.write("large", "eleven byte")), ReadErrorKind::TooLarge { limit: 10 });
    symlink("b", folder.join("a")).unwrap();
    symlink("a", folder.join("b")).unwrap();
    assert_eq!(refusal(&folder.join("a")), ReadErrorKind::Loop);
    symlink("nowhere", folder.join("dangling")).unwrap();
    assert_eq!(refusal(&folder.join("dangling")), ReadErrorKind::Missing);
    folder.write("file", "x");
    assert_eq!(refusal(&folder.join("file/below")), ReadErrorKind::Missing);
}

#[test]
fn what_takes_the_place_of_the_file_is_named_once_and_forgiven() {
    let (_folder, path, live) = LiveText::of("file", "old");
    let rejected = |kind| {
        let error = ReadError { path: path.clone(), kind };
        assert_eq!(live.next(), OwnedNotice::Rejected(error, Trigger::Event));
        live.stays_silent();
    };
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    rejected(ReadErrorKind::NotAFile("a directory"));
    fs::remove_dir(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    rejected(ReadErrorKind::NotAFile("a FIFO"));
    fs::remove_file(&path).unwrap();
    symlink("file", &path).unwrap();
    rejected(ReadErrorKind::Loop);
    fs::remove_file(&path).unwrap();
    File::create(&path).unwrap().set_len(100_000_000).unwrap();
    rejected(ReadErrorKind::TooLarge { limit: LIMIT });
    fs::write(&path, "new").unwrap();
    live.publishes_once("new");
}

#[test]
fn an_unreadable_file_is_named_and_read_when_it_may_be() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let path = folder.write("file", "old");
    let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o000);
    if File::open(&path).is_ok() {
        eprintln!("SKIPPED: this user may read everything, so nothing can be made unreadable");
        return;
    }
    mode(0o644);
    let live = LiveText::open(&path);
    mode(0o000);
    let error = ReadError { path: path.clone(), kind: ReadErrorKind::Denied };
    assert_eq!(live.next(), OwnedNotice::Rejected(error, Trigger::Event));
    mode(0o644);
    live.publishes_once("old");
}

#[test]
fn a_path_that_a_build_no_longer_reads_is_no_longer_watched() {
    let folder = Folder::new();
    let (main, other) = (folder.write("main", "with"), folder.write("other", "1"));
    let live = LiveText::build(options(), move |files| {
        let main = text(files, &main)?;
        if main == "with" { Ok(Some(main + &text(files, &other)?)) } else { Ok(Some(main)) }
    })
    .unwrap();
    folder.write("other", "2");
    live.publishes_once("with2");
    folder.write("main", "without");
    live.publishes_once("without");
    folder.write("other", "3");
    live.stays_silent();
    folder.write("main", "with");
    live.publishes_once("with3");
    folder.write("other", "4");
    live.publishes_once("with4");
}

#[test]
fn the_first_build_knows_that_it_is_the_first() {
    let folder = Folder::new();
    let path = folder.write("file", "old");
    let (tell, triggers) = mpsc::channel();
    let read = path.clone();
    let live = LiveText::build(options(), move |files| {
        let _ = tell.send(files.trigger());
        text(files, &read).map(Some)
    })
    .unwrap();
    assert_eq!(triggers.recv().unwrap(), Trigger::Start);
    live.live.reload();
    assert_eq!(triggers.recv().unwrap(), Trigger::Request);
    live.publishes_once_by("old", Trigger::Request);
    fs::write(path, "new").unwrap();
    live.publishes_once("new");
}
