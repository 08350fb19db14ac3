//! Watching when the system cannot report events, and its recovery.

use crate::support::{
    Folder, LiveText, OwnedNotice, available, is_long_tier, limits, memory, options, skipped, unless_held_up,
    wait_until,
};
use filewatch::{Degraded, ReadError, ReadErrorKind, RebuildLock, Trigger};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// A second, and some time for a busy machine.
const PROMPT: Duration = Duration::from_secs(3);

/// Causes more events than the kernel queues.
fn flood(folder: &Folder, path: &Path) {
    let most: usize =
        fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap().trim().parse().unwrap();
    let other = folder.write("other", "");
    let (mut a, mut b) = (File::create(path).unwrap(), File::create(other).unwrap());
    for _ in 0..most {
        // By turns: an event equal to the one before is not queued.
        a.write_all(b"x").unwrap();
        b.write_all(b"x").unwrap();
    }
}

#[test]
fn when_events_are_dropped_the_last_save_is_found_all_the_same() {
    if !is_long_tier() {
        return;
    }
    let folder = Folder::new();
    let path = folder.write("file", "old");
    let lock = RebuildLock::new();
    let watch = options().hold_back(&lock).poll(Duration::from_hours(1));
    let live = LiveText::open_with(watch, &path);
    for round in 0..3 {
        let held = lock.hold();
        flood(&folder, &path);
        let new = format!("saved while nobody listened {round}");
        fs::rename(folder.write("tmp", &new), &path).unwrap();
        drop(held);
        live.publishes_once(&new);
        fs::write(&path, "heard again").unwrap();
        live.publishes_once("heard again");
    }
}

#[test]
fn when_events_are_dropped_a_replaced_folder_is_found_all_the_same() {
    let folder = Folder::new();
    let path = folder.write("conf/file", "old");
    let lock = RebuildLock::new();
    let watch = options().hold_back(&lock).poll(Duration::from_hours(1));
    let live = LiveText::open_with(watch, &path);
    let held = lock.hold();
    flood(&folder, &path);
    fs::rename(folder.join("conf"), folder.join("conf.old")).unwrap();
    folder.write("conf/file", "in another folder");
    drop(held);
    live.publishes_once("in another folder");
    fs::write(&path, "heard again").unwrap();
    live.publishes_once("heard again");
}

#[test]
fn a_change_of_which_no_event_tells_is_found_and_reported_once() {
    if !is_long_tier() {
        return;
    }
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    let path = folder.join("file");
    // Written elsewhere: a process that another test starts may close the file late, and in `folder` that would make an event.
    fs::hard_link(elsewhere.write("same", "old"), &path).unwrap();
    let live = LiveText::open(&path);
    for new in ["1", "2"] {
        let begun = Instant::now();
        fs::write(elsewhere.join("same"), new).unwrap();
        assert_eq!(live.next(), OwnedNotice::Published(new.into(), Trigger::Poll));
        assert!(begun.elapsed() < PROMPT, "{:?}", begun.elapsed());
        if new == "1" {
            assert_eq!(live.next(), OwnedNotice::Degraded(Degraded::MissedEvents));
            assert_eq!(live.live.degraded(), [Degraded::MissedEvents]);
        }
        live.stays_silent_for_long();
    }
    fs::write(&path, "told").unwrap();
    assert_eq!(live.next(), OwnedNotice::Published("told".into(), Trigger::Event));
    assert_eq!(live.next(), OwnedNotice::Recovered(Degraded::MissedEvents));
    live.stays_silent_for_long();
    assert_eq!(live.live.degraded(), []);
}

#[test]
fn looking_alone_is_a_choice_and_not_reported() {
    let (_folder, path, live) = LiveText::of_with(options().without_events(), "file", "old");
    let begun = Instant::now();
    fs::write(&path, "new").unwrap();
    assert_eq!(live.next(), OwnedNotice::Published("new".into(), Trigger::Poll));
    assert!(begun.elapsed() < PROMPT, "{:?}", begun.elapsed());
    live.stays_silent_for_long();
    assert_eq!(live.live.degraded(), []);
}

#[test]
fn by_looking_alone_a_slow_writer_is_not_judged_before_the_end() {
    let (live, _folder) = unless_held_up(|| {
        let (folder, path, live) =
            LiveText::of_with(options().without_events().poll(Duration::from_millis(40)), "file", "old");
        let mut file = File::create(&path).unwrap();
        let mut longest = Duration::ZERO;
        for byte in b"not before the end" {
            let begun = Instant::now();
            file.write_all(&[*byte]).unwrap();
            thread::sleep(Duration::from_millis(40));
            longest = longest.max(begun.elapsed());
        }
        (longest, (live, folder))
    });
    live.publishes_once_by("not before the end", Trigger::Poll);
}

/// Runs the ignored test of this name in new namespaces (`unshare`), after the script `prepare`.
#[track_caller]
fn in_namespaces(flags: &str, prepare: &str, test: &str) {
    let script = format!("{prepare}\nexec \"$0\" --exact faults::{test} --ignored --nocapture");
    let this = std::env::current_exe().unwrap();
    let probe = Command::new("unshare").args([flags, "true"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        skipped(&format!("no namespaces here (`unshare {flags}`), so `{test}` cannot be shown"));
        return;
    }
    let output = Command::new("unshare").args([flags, "sh", "-euc", &script]).arg(this).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

const INSTANCES: &str = "/proc/sys/user/max_inotify_instances";
const WATCHES: &str = "/proc/sys/user/max_inotify_watches";

#[test]
fn without_instances_changes_are_seen_and_events_come_back() {
    if !is_long_tier() {
        return;
    }
    in_namespaces("-Ur", &format!("echo 0 > {INSTANCES}"), "with_no_instances");
}

#[test]
#[ignore = "run in a namespace by without_instances_changes_are_seen_and_events_come_back"]
fn with_no_instances() {
    degrades_and_recovers(Degraded::NoEvents, INSTANCES, Trigger::Poll);
}

#[test]
fn without_watches_changes_are_seen_and_events_come_back() {
    if !is_long_tier() {
        return;
    }
    in_namespaces("-Ur", &format!("echo 0 > {WATCHES}"), "with_no_watches");
}

#[test]
fn the_last_watch_goes_to_the_folder_of_the_file() {
    in_namespaces("-Ur", &format!("echo 1 > {WATCHES}"), "with_one_watch");
}

#[test]
#[ignore = "run in a namespace by without_watches_changes_are_seen_and_events_come_back"]
fn with_no_watches() {
    degrades_and_recovers(Degraded::WatchLimit, WATCHES, Trigger::Poll);
}

#[test]
#[ignore = "run in a namespace by the_last_watch_goes_to_the_folder_of_the_file"]
fn with_one_watch() {
    degrades_and_recovers(Degraded::WatchLimit, WATCHES, Trigger::Event);
}

fn degrades_and_recovers(fault: Degraded, limit: &str, meanwhile: Trigger) {
    let (_folder, path, live) = LiveText::of("some/where/file", "old");
    assert_eq!(live.live.degraded(), [fault]);
    assert_eq!(live.next(), OwnedNotice::Degraded(fault));
    let begun = Instant::now();
    fs::write(&path, "looked").unwrap();
    assert_eq!(live.next(), OwnedNotice::Published("looked".into(), meanwhile));
    assert!(begun.elapsed() < PROMPT, "{:?}", begun.elapsed());
    live.stays_silent_for_long();
    fs::write(&path, "meanwhile").unwrap();
    fs::write(limit, "1000").unwrap();
    // In either order, and no notice of missed events: the cause is known.
    let mut notices = [live.next(), live.next()];
    notices.sort_by_key(|notice| matches!(notice, OwnedNotice::Recovered(_)));
    assert!(matches!(&notices[0], OwnedNotice::Published(text, _) if text == "meanwhile"), "{notices:?}");
    assert_eq!(notices[1], OwnedNotice::Recovered(fault));
    live.stays_silent_for_long();
    fs::write(&path, "told").unwrap();
    live.publishes_once("told");
    assert_eq!(live.live.degraded(), []);
}

#[test]
fn a_folder_that_is_mounted_and_unmounted_is_followed() {
    in_namespaces("-Urm", "", "with_mounts");
}

#[test]
#[ignore = "run in a namespace by a_folder_that_is_mounted_and_unmounted_is_followed"]
fn with_mounts() {
    let (folder, path, live) =
        LiveText::of_with(options().poll(Duration::from_millis(200)), "conf/file", "below");
    let conf = folder.join("conf");
    let run = |program: &str, arguments: &[&str]| {
        assert!(Command::new(program).args(arguments).arg(&conf).status().unwrap().success());
    };
    run("mount", &["-t", "tmpfs", "none"]);
    let missing = ReadError { path: path.clone(), kind: ReadErrorKind::Missing };
    assert_eq!(live.next(), OwnedNotice::Rejected(missing, Trigger::Poll));
    fs::write(&path, "above").unwrap();
    wait_until("the mounted file is seen", || **live.live.load() == "above");
    run("umount", &[]);
    wait_until("the file below is seen", || **live.live.load() == "below");
    fs::write(&path, "told").unwrap();
    wait_until("events are back", || **live.live.load() == "told" && live.live.degraded().is_empty());
}

#[test]
fn what_may_not_be_read_is_named_and_read_when_it_may_be() {
    // A user without a name in the namespace. File modes apply to it even if it is root outside.
    in_namespaces("-U", "", "as_nobody");
}

#[test]
#[ignore = "run in a namespace by what_may_not_be_read_is_named_and_read_when_it_may_be"]
fn as_nobody() {
    let folder = Folder::new();
    let path = folder.write("conf/file", "old");
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let live = LiveText::open(&path);
    let denied =
        OwnedNotice::Rejected(ReadError { path: path.clone(), kind: ReadErrorKind::Denied }, Trigger::Event);
    mode(&path, 0o000);
    assert!(File::open(&path).is_err(), "modes do not apply to this user");
    assert_eq!(live.next(), denied);
    live.stays_silent_for_long();
    mode(&path, 0o644);
    live.publishes_once("old");
    let conf = folder.join("conf");
    mode(&conf, 0o000);
    assert_eq!(live.next(), denied);
    live.stays_silent_for_long();
    mode(&conf, 0o755);
    live.publishes_once("old");
    fs::write(&path, "new").unwrap();
    live.publishes_once("new");
}

#[test]
fn a_folder_that_may_not_be_watched_is_looked_at() {
    if !is_long_tier() {
        return;
    }
    in_namespaces("-U", "", "with_an_unwatchable_folder");
}

#[test]
#[ignore = "run in a namespace by a_folder_that_may_not_be_watched_is_looked_at"]
fn with_an_unwatchable_folder() {
    let folder = Folder::new();
    let path = folder.write("conf/file", "old");
    let conf = folder.join("conf");
    let mode = |mode| fs::set_permissions(&conf, fs::Permissions::from_mode(mode)).unwrap();
    // Names may be looked up and not listed.
    mode(0o311);
    let live = LiveText::open(&path);
    assert_eq!(live.next(), OwnedNotice::Degraded(Degraded::Unwatchable));
    fs::write(&path, "looked").unwrap();
    live.publishes_once_by("looked", Trigger::Poll);
    mode(0o755);
    assert_eq!(live.next(), OwnedNotice::Recovered(Degraded::Unwatchable));
    fs::write(&path, "told").unwrap();
    live.publishes_once("told");
}

#[test]
fn a_circle_of_symlinks_is_waited_out() {
    let folder = Folder::new();
    let path = folder.join("file");
    symlink(folder.write("a", "old"), &path).unwrap();
    let live = LiveText::open(&path);
    fs::remove_file(folder.join("a")).unwrap();
    symlink("file", folder.join("a")).unwrap();
    let circle = ReadError { path: path.clone(), kind: ReadErrorKind::Loop };
    assert_eq!(live.next(), OwnedNotice::Rejected(circle, Trigger::Event));
    let tmp = folder.write("tmp", "new");
    fs::rename(tmp, folder.join("a")).unwrap();
    live.publishes_once("new");
}

#[test]
fn a_crowded_folder_costs_nothing() {
    if !is_long_tier() {
        return;
    }
    let folder = Folder::within(&memory());
    let path = folder.write("file", "old");
    for number in 0..100_000 {
        File::create(folder.join(&format!("unrelated-{number}"))).unwrap();
    }
    let live = LiveText::open(&path);
    fs::write(&path, "new").unwrap();
    live.publishes_once("new");
}

/// A file system in user space whose files are changed without it.
#[test]
fn behind_a_mirror_that_tells_nothing_changes_are_seen() {
    if !is_long_tier() {
        return;
    }
    if available(&["bindfs"]) {
        in_namespaces("-Urm", "", "with_a_mirror");
    }
}

#[test]
#[ignore = "run in a namespace by behind_a_mirror_that_tells_nothing_changes_are_seen"]
fn with_a_mirror() {
    let folder = Folder::new();
    let source = folder.write("source/file", "old");
    fs::create_dir(folder.join("mirror")).unwrap();
    let mounted = Command::new("bindfs").args([folder.join("source"), folder.join("mirror")]).status();
    assert!(mounted.unwrap().success());
    let live = LiveText::open(&folder.join("mirror/file"));
    assert_eq!(live.next(), OwnedNotice::Degraded(Degraded::Remote));
    for new in ["1", "22", "3"] {
        let begun = Instant::now();
        fs::rename(folder.write("source/tmp", new), &source).unwrap();
        assert_eq!(live.next(), OwnedNotice::Published(new.to_owned(), Trigger::Poll));
        assert!(begun.elapsed() < PROMPT, "{:?}", begun.elapsed());
        live.stays_silent_for_long();
    }
    fs::write(&source, "in place").unwrap();
    live.publishes_once_by("in place", Trigger::Poll);
    // A change through the mount makes events.
    fs::write(folder.join("mirror/file"), "through the mirror").unwrap();
    assert_eq!(live.next(), OwnedNotice::Published("through the mirror".into(), Trigger::Event));
    live.stays_silent_for_long();
    assert_eq!(live.live.degraded(), [Degraded::Remote]);
    assert!(Command::new("umount").args(["--lazy"]).arg(folder.join("mirror")).status().unwrap().success());
}

#[test]
fn of_a_thousand_templates_the_one_that_changes_is_published_once() {
    if !is_long_tier() {
        return;
    }
    let folder = Folder::new();
    for number in 0..1000 {
        folder.write(&format!("{}/{number}.html", number % 10), &number.to_string());
    }
    let root = folder.path.clone();
    let live = LiveText::build(options(), move |files| {
        let found = files.tree(&root, limits(), |path| path.extension().is_some_and(|end| end == "html"))?;
        let sum: usize = found.iter().map(|(_, bytes)| bytes.len()).sum();
        Ok(Some(format!("{} files, {sum} bytes", found.len())))
    })
    .unwrap();
    assert_eq!(*live.live.snapshot(), "1000 files, 2890 bytes");
    folder.write("7/7.html", "longer");
    live.publishes_once("1000 files, 2895 bytes");
    folder.write("3/new.html", "new");
    live.publishes_once("1001 files, 2898 bytes");
}

/// File times do not decide what is newer. The bytes do.
#[test]
fn a_clock_that_was_set_back_hides_nothing() {
    if !is_long_tier() {
        return;
    }
    for by in [options(), options().without_events().poll(Duration::from_millis(100))] {
        let folder = Folder::new();
        let path = folder.write("file", "from the future");
        let later = std::time::SystemTime::now() + Duration::from_hours(24 * 365);
        File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
        let live = LiveText::open_with(by, &path);
        for new in ["1", "2"] {
            fs::write(&path, new).unwrap();
            let OwnedNotice::Published(text, _) = live.next() else { panic!("it is published") };
            assert_eq!(text, new);
            File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
            live.stays_silent();
        }
    }
}

/// Not even an empty file, whose age counts.
#[test]
fn a_clock_that_was_set_back_hides_no_emptied_file() {
    let (_folder, path, live) = LiveText::of("file", "from the future");
    let file = File::create(&path).unwrap();
    file.set_modified(std::time::SystemTime::now() + Duration::from_hours(24)).unwrap();
    drop(file);
    live.publishes_once("");
}

#[test]
fn when_the_whole_root_is_read_only_the_file_is_followed_all_the_same() {
    let unwritable = "for folder in /dev/shm /run /var/tmp; do mount -t tmpfs -o ro none $folder; done\n\
                      mount -t tmpfs none /mnt; printf old > /mnt/file\n\
                      mount --bind /tmp /tmp; mount -o remount,bind,ro /tmp; export FILEWATCH_TEST_FILE=/mnt/file";
    in_namespaces("-Urm", unwritable, "with_a_read_only_root");
}

#[test]
#[ignore = "run in a namespace by when_the_whole_root_is_read_only_the_file_is_followed_all_the_same"]
fn with_a_read_only_root() {
    let path = std::path::PathBuf::from(std::env::var_os("FILEWATCH_TEST_FILE").unwrap());
    let live = LiveText::open(&path);
    assert_eq!(*live.live.snapshot(), "old");
    for new in ["1", "2"] {
        fs::write(&path, new).unwrap();
        live.publishes_once(new);
    }
    assert_eq!(live.live.degraded(), []);
}
