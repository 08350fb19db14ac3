//! Handles, threads, locks, and closures that panic.

use crate::support::{
    AFTERMATH, DEADLINE, Folder, LIMIT, LiveText, OwnedNotice, limits, options, text, wait_until,
};
use filewatch::{Degraded, Live, Notice, ReadError, RebuildLock, Trigger, Watcher};
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

/// Dropped with the closure that holds it, when the watching has ended.
struct Flag(Arc<AtomicBool>);

impl Drop for Flag {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn dropping_the_last_handle_ends_the_thread_before_it_returns() {
    let folder = Folder::new();
    let path = folder.write("file", "old");
    let ended = Arc::new(AtomicBool::new(false));
    let flag = Flag(Arc::clone(&ended));
    let live = LiveText::build(options(), move |files| {
        let _ = &flag;
        text(files, &path).map(Some)
    })
    .unwrap();
    let other = live.live.clone();
    drop(live.live);
    assert!(!ended.load(Ordering::SeqCst), "another handle is left");
    assert_eq!(*other.snapshot(), "old");
    drop(other);
    assert!(ended.load(Ordering::SeqCst));
}

#[test]
fn no_thread_and_no_descriptor_is_left_behind() {
    if !alone("no_thread_and_no_descriptor_is_left_behind") {
        return;
    }
    let folder = Folder::new();
    let path = folder.write("file", "old");
    let count = |what: &str| fs::read_dir(format!("/proc/self/{what}")).unwrap().count();
    drop(LiveText::open(&path));
    let (threads, descriptors) = (count("task"), count("fd"));
    for _ in 0..20 {
        drop(LiveText::open(&path));
    }
    wait_until("the threads have ended", || count("task") == threads);
    assert_eq!(count("fd"), descriptors);
}

/// As at the limit of threads: the system has no room for a stack of this size.
#[test]
fn without_a_thread_the_value_stays_and_that_is_reported() {
    if !alone_with(
        "without_a_thread_the_value_stays_and_that_is_reported",
        &[("RUST_MIN_STACK", "140737488355328")],
    ) {
        return;
    }
    assert!(thread::Builder::new().spawn(|| {}).is_err(), "there is room for a thread");
    let (_folder, path, live) = LiveText::of("file", "old");
    assert_eq!(live.next(), OwnedNotice::Degraded(Degraded::NoThread));
    assert_eq!(live.live.degraded(), [Degraded::NoThread]);
    fs::write(&path, "new").unwrap();
    live.live.reload();
    live.stays_silent();
    assert_eq!(*live.live.snapshot(), "old");
}

/// Runs the test of this name in a process of its own, since other tests come and go in this one. True in that process.
#[track_caller]
fn alone(test: &str) -> bool {
    alone_with(test, &[])
}

/// The same with these environment variables.
#[track_caller]
fn alone_with(test: &str, variables: &[(&str, &str)]) -> bool {
    if std::env::var_os("FILEWATCH_TEST_ALONE").is_some() {
        return true;
    }
    let arguments = ["--exact", &format!("life::{test}"), "--nocapture", "--test-threads=1"];
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(arguments).env("FILEWATCH_TEST_ALONE", "1").envs(variables.iter().copied());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
    false
}

/// The watches of this process, as the kernel lists them.
fn watches() -> usize {
    let infos = fs::read_dir("/proc/self/fdinfo")
        .unwrap()
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok());
    infos.map(|info| info.matches("inotify wd:").count()).sum()
}

#[test]
fn no_watch_is_left_of_a_folder_that_was_renamed_away() {
    if !alone("no_watch_is_left_of_a_folder_that_was_renamed_away") {
        return;
    }
    let folder = Folder::new();
    folder.write("t/a", "1");
    let (root, dir) = (folder.join("t"), folder.join("t"));
    let live = LiveText::build(options(), move |files| {
        let found = files.tree(&root, limits(), |_| true)?;
        let names: Vec<_> = found.iter().map(|(path, _)| path.display().to_string()).collect();
        Ok(Some(names.join(" ")))
    })
    .unwrap();
    let mut watcher = Watcher::open(options(), [&dir], |_| true);
    let before = watches();
    assert!(before > 0, "nothing is watched");
    for round in 0..3 {
        folder.write("t/sub/deep/b", "2");
        live.publishes_once("a sub/deep/b");
        assert_eq!(watcher.next(DEADLINE), [dir.join("sub/deep/b")]);
        fs::rename(folder.join("t/sub"), folder.join(&format!("away-{round}"))).unwrap();
        live.publishes_once("a");
        assert_eq!(watcher.next(DEADLINE), [dir.join("sub/deep/b")]);
        assert_eq!(watches(), before, "round {round}");
    }
}

#[test]
fn a_reload_handle_keeps_nothing_alive() {
    let folder = Folder::new();
    let path = folder.write("file", "old");
    let ended = Arc::new(AtomicBool::new(false));
    let flag = Flag(Arc::clone(&ended));
    let live = LiveText::build(options(), move |files| {
        let _ = &flag;
        text(files, &path).map(Some)
    })
    .unwrap();
    let handle = live.live.reload_handle();
    handle.reload();
    live.publishes_once_by("old", Trigger::Request);
    drop(live.live);
    assert!(ended.load(Ordering::SeqCst), "the watching has ended");
    handle.reload();
}

#[test]
fn the_last_handle_may_be_dropped_by_the_listener() {
    let folder = Folder::new();
    let path = folder.write("file", "old");
    let kept = Arc::new(Mutex::new(None::<Live<String>>));
    let (drops, read) = (Arc::clone(&kept), path.clone());
    let ended = Arc::new(AtomicBool::new(false));
    let flag = Flag(Arc::clone(&ended));
    let notice = move |_: Notice<'_, String, ReadError>| {
        let _ = &flag;
        drop(drops.lock().unwrap().take());
    };
    let mut slot = kept.lock().unwrap();
    *slot = Some(Live::open(options(), move |files, _| text(files, &read).map(Some), notice).unwrap());
    drop(slot);
    fs::write(&path, "new").unwrap();
    wait_until("the watching has ended", || ended.load(Ordering::SeqCst));
}

#[test]
fn a_fixed_value_is_what_it_is() {
    let live = Live::fixed(7);
    live.reload();
    assert_eq!((**live.load(), *live.snapshot(), live.degraded()), (7, 7, vec![]));
}

#[test]
fn a_build_is_given_the_value_in_force_but_not_at_first() {
    let folder = Folder::new();
    let path = folder.write("file", "one");
    let build = move |files: &mut filewatch::Files<'_>, current: Option<&Arc<String>>| {
        let before = current.map_or("nothing", |current| current.as_str());
        text(files, &path).map(|text| Some(format!("{text} after {before}")))
    };
    let live = Live::open(options(), build, |_: Notice<'_, String, ReadError>| {}).unwrap();
    assert_eq!(*live.snapshot(), "one after nothing");
    folder.write("file", "two");
    wait_until("the edit is in force", || *live.snapshot() == "two after one after nothing");
}

#[test]
fn a_reader_sees_every_value_and_keeps_no_watching_alive() {
    struct OnDrop(Arc<AtomicBool>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let folder = Folder::new();
    let path = folder.write("file", "one");
    let ended = Arc::new(AtomicBool::new(false));
    let with_the_thread = OnDrop(Arc::clone(&ended));
    let read = path.clone();
    let build = move |files: &mut filewatch::Files<'_>, _: Option<&_>| {
        let _owned = &with_the_thread;
        text(files, &read).map(Some)
    };
    let live = Live::open(options(), build, |_: Notice<'_, String, ReadError>| {}).unwrap();
    let reader = live.reader();
    folder.write("file", "two");
    wait_until("the edit is in force", || *reader.snapshot() == "two");
    drop(live);
    assert!(ended.load(Ordering::SeqCst), "the reader kept the watching alive");
    assert_eq!(*reader.snapshot(), "two");
}

#[test]
fn reload_builds_although_no_byte_differs() {
    let folder = Folder::new();
    let path = folder.write("file", "old");
    let builds = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&builds);
    let live = LiveText::build(options(), move |files| {
        let text = text(files, &path)?;
        Ok((counted.fetch_add(1, Ordering::Relaxed) == 0).then_some(text))
    })
    .unwrap();
    for _ in 0..3 {
        live.live.reload();
        assert_eq!(live.next(), OwnedNotice::Unchanged(Trigger::Request));
    }
    assert_eq!(live.aftermath(), []);
    assert_eq!(builds.load(Ordering::Relaxed), 4);
}

#[test]
fn a_panicking_build_changes_nothing_and_the_next_change_tries_again() {
    let folder = Folder::new();
    let path = folder.write("file", "old");
    let live = LiveText::build(options(), move |files| {
        let text = text(files, &path)?;
        assert!(text != "bad", "this panic belongs to the test");
        Ok(Some(text))
    })
    .unwrap();
    folder.write("file", "bad");
    live.stays_silent();
    assert_eq!(*live.live.snapshot(), "old");
    folder.write("file", "new");
    live.publishes_once("new");
}

#[test]
fn a_panicking_listener_harms_nobody() {
    let folder = Folder::new();
    let path = folder.write("file", "old");
    let read = path.clone();
    let live = Live::open(
        options(),
        move |files, _| text(files, &read).map(Some),
        |_: Notice<'_, String, ReadError>| panic!("this panic belongs to the test"),
    )
    .unwrap();
    for new in ["1", "2", "3"] {
        fs::write(&path, new).unwrap();
        wait_until("it is published", || **live.load() == new);
    }
}

#[test]
fn a_rejected_edit_keeps_the_last_good_value_and_is_reported_once() {
    let folder = Folder::new();
    let path = folder.write("file", "1");
    let (tell, notices) = mpsc::channel();
    let read = path.clone();
    let build = move |files: &mut filewatch::Files<'_>, _: Option<&_>| {
        let bytes = files.read(&read, LIMIT).map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        text.parse::<u32>().map(Some).map_err(|error| format!("`{text}`: {error}"))
    };
    let notice = move |notice: Notice<'_, u32, String>| {
        let _ = tell.send(format!("{notice:?}"));
    };
    let live = Live::open(options(), build, notice).unwrap();
    fs::write(&path, "two").unwrap();
    let said = notices.recv_timeout(DEADLINE).unwrap();
    assert_eq!(
        said,
        r#"Rejected { error: "`two`: invalid digit found in string", current: 1, trigger: Event }"#
    );
    assert!(notices.recv_timeout(AFTERMATH).is_err());
    assert_eq!(**live.load(), 1);
    fs::write(&path, "3").unwrap();
    assert_eq!(notices.recv_timeout(DEADLINE).unwrap(), "Published { old: 1, new: 3, trigger: Event }");
}

#[test]
fn lives_that_share_a_lock_are_rebuilt_one_at_a_time() {
    let folder = Folder::new();
    let lock = RebuildLock::new();
    let inside = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let published = Arc::new(AtomicUsize::new(0));
    let open = |name: &str| {
        let path = folder.write(name, "old");
        let (enters, most) = (Arc::clone(&inside), Arc::clone(&most));
        let build = move |files: &mut filewatch::Files<'_>, _: Option<&_>| {
            most.fetch_max(enters.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(20));
            text(files, &path).map(Some)
        };
        let (leaves, counts) = (Arc::clone(&inside), Arc::clone(&published));
        let notice = move |_: Notice<'_, String, ReadError>| {
            thread::sleep(Duration::from_millis(20));
            leaves.fetch_sub(1, Ordering::SeqCst);
            counts.fetch_add(1, Ordering::SeqCst);
        };
        Live::open(options().rebuild_lock(&lock), build, notice).unwrap()
    };
    let held = lock.hold();
    let lives = [open("a"), open("b"), open("c")];
    inside.store(0, Ordering::SeqCst);
    most.store(0, Ordering::SeqCst);
    for name in ["a", "b", "c"] {
        folder.write(name, "new");
    }
    thread::sleep(Duration::from_millis(50));
    assert_eq!(most.load(Ordering::SeqCst), 0, "the lock is held");
    drop(held);
    wait_until("all are published", || published.load(Ordering::SeqCst) == 3);
    assert_eq!(most.load(Ordering::SeqCst), 1);
    drop(lives);
}

#[test]
fn readers_see_only_whole_values_and_never_wait() {
    let folder = Folder::new();
    let path = folder.write("file", "0");
    let read = path.clone();
    let build = move |files: &mut filewatch::Files<'_>, _: Option<&_>| {
        let number: u64 = text(files, &read)?.parse().unwrap_or(0);
        Ok::<_, ReadError>(Some((number, number.wrapping_mul(31))))
    };
    let live = Live::open(options(), build, |_: Notice<'_, (u64, u64), ReadError>| {}).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let pair = **live.load();
                    assert_eq!(pair.0.wrapping_mul(31), pair.1);
                    assert!(pair.0 >= last, "time went backwards");
                    last = pair.0;
                }
            });
        }
        for number in 1..=500 {
            let tmp = folder.write("tmp", &number.to_string());
            fs::rename(tmp, &path).unwrap();
        }
        wait_until("the last is published", || live.load().0 == 500);
        done.store(true, Ordering::Relaxed);
    });
}
