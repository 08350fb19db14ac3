//! Every way to save a file publishes exactly what was saved, once.

use crate::support::{Folder, LiveText, OwnedNotice, is_long_tier, options, unless_held_up};
use filewatch::{ReadErrorKind, Trigger};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// Saves with `save`, with events and without. Each time `new` must be published exactly once.
#[track_caller]
fn each_way(save: impl Fn(&Folder, &Path)) {
    each_way_from(|folder| drop(folder.write("file", "old")), save);
}

#[track_caller]
fn each_way_from(prepare: impl Fn(&Folder), save: impl Fn(&Folder, &Path)) {
    let by_events = options();
    let by_looking = options().without_events().poll(Duration::from_millis(100));
    let ways = [(by_events, Trigger::Event), (by_looking, Trigger::Poll)].map(|(watch, trigger)| {
        unless_held_up(|| {
            let folder = Folder::new();
            prepare(&folder);
            let path = folder.join("file");
            let live = LiveText::open_with(watch.clone(), &path);
            assert_eq!(*live.live.snapshot(), "old");
            let begun = Instant::now();
            save(&folder, &path);
            (begun.elapsed(), (live, trigger, folder))
        })
    });
    for (live, trigger, _folder) in ways {
        live.publishes_once_by("new", trigger);
    }
}

fn run(program: &str, arguments: &[&str], folder: &Path) {
    let status = Command::new(program).args(arguments).current_dir(folder).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}");
}

#[test]
fn truncated_and_written_in_place() {
    each_way(|_, path| fs::write(path, "new").unwrap());
}

#[test]
fn overwritten_and_cut_off() {
    each_way(|_, path| {
        let mut file = OpenOptions::new().write(true).open(path).unwrap();
        file.write_all(b"n").unwrap();
        file.write_all(b"ewer").unwrap();
        file.set_len(3).unwrap();
    });
}

#[test]
fn by_sed_in_place() {
    each_way(|folder, _| run("sed", &["-i", "s/old/new/", "file"], &folder.path));
}

#[test]
fn by_an_editor_that_keeps_a_backup_by_renaming() {
    each_way(|folder, path| {
        fs::write(folder.join("4913"), "").unwrap();
        fs::remove_file(folder.join("4913")).unwrap();
        fs::rename(path, folder.join("file~")).unwrap();
        let mut file = File::create_new(path).unwrap();
        file.write_all(b"new").unwrap();
        file.set_permissions(Permissions::from_mode(0o644)).unwrap();
        drop(file);
        fs::set_permissions(path, Permissions::from_mode(0o640)).unwrap();
        fs::remove_file(folder.join("file~")).unwrap();
    });
}

#[test]
fn by_an_editor_that_keeps_a_backup_by_copying() {
    each_way(|folder, path| {
        fs::copy(path, folder.join("file~")).unwrap();
        fs::write(path, "new").unwrap();
        fs::remove_file(folder.join("file~")).unwrap();
    });
}

#[test]
fn renamed_over() {
    each_way(|folder, path| fs::rename(folder.write(".file.tmp", "new"), path).unwrap());
}

#[test]
fn renamed_over_from_another_folder() {
    each_way(|folder, path| fs::rename(folder.write("elsewhere/file", "new"), path).unwrap());
}

#[test]
fn linked_over() {
    each_way(|folder, _| {
        folder.write("other", "new");
        run("ln", &["-f", "other", "file"], &folder.path);
    });
}

#[test]
fn unlinked_and_linked() {
    each_way(|folder, path| {
        let other = folder.write("other", "new");
        fs::remove_file(path).unwrap();
        fs::hard_link(other, path).unwrap();
    });
}

#[test]
fn removed_and_made_again() {
    each_way(|_, path| {
        fs::remove_file(path).unwrap();
        fs::write(path, "new").unwrap();
    });
}

#[test]
fn a_config_map_is_swapped() {
    let prepare = |folder: &Folder| {
        folder.write("..v1/file", "old");
        symlink("..v1", folder.join("..data")).unwrap();
        symlink("..data/file", folder.join("file")).unwrap();
    };
    each_way_from(prepare, |folder, _| {
        folder.write("..v2/file", "new");
        symlink("..v2", folder.join("..data_tmp")).unwrap();
        fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
        fs::remove_dir_all(folder.join("..v1")).unwrap();
    });
}

#[test]
fn a_config_map_is_swapped_twice() {
    let prepare = |folder: &Folder| {
        folder.write("..v1/file", "old");
        symlink("..v1", folder.join("..data")).unwrap();
        symlink("..data/file", folder.join("file")).unwrap();
    };
    let folder = Folder::new();
    prepare(&folder);
    let live = LiveText::open(&folder.join("file"));
    for version in ["..v2", "..v3", "..v4"] {
        folder.write(&format!("{version}/file"), version);
        symlink(version, folder.join("..data_tmp")).unwrap();
        fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
        live.publishes_once(version);
    }
}

#[test]
fn a_symlink_is_replaced() {
    let prepare = |folder: &Folder| {
        symlink(folder.write("a", "old"), folder.join("file")).unwrap();
        folder.write("b", "new");
    };
    each_way_from(prepare, |folder, _| run("ln", &["-sfn", "b", "file"], &folder.path));
}

#[test]
fn a_symlink_to_a_folder_is_swapped() {
    let prepare = |folder: &Folder| {
        folder.write("releases/1/etc/file", "old");
        folder.write("releases/2/etc/file", "new");
        symlink("releases/1", folder.join("current")).unwrap();
        symlink("current/etc/file", folder.join("file")).unwrap();
    };
    each_way_from(prepare, |folder, _| {
        symlink("releases/2", folder.join("next")).unwrap();
        fs::rename(folder.join("next"), folder.join("current")).unwrap();
    });
}

#[test]
fn written_through_a_symlink() {
    let prepare =
        |folder: &Folder| symlink(folder.write("far/away/real", "old"), folder.join("file")).unwrap();
    each_way_from(prepare, |_, path| fs::write(path, "new").unwrap());
}

#[test]
fn the_target_of_a_symlink_is_renamed_over() {
    let prepare =
        |folder: &Folder| symlink(folder.write("far/away/real", "old"), folder.join("file")).unwrap();
    each_way_from(prepare, |folder, _| {
        fs::rename(folder.write("far/away/tmp", "new"), folder.join("far/away/real")).unwrap();
    });
}

#[test]
fn through_ten_symlinks() {
    let prepare = |folder: &Folder| {
        folder.write("l0/real", "old");
        for hop in 1..10 {
            fs::create_dir(folder.join(&format!("l{hop}"))).unwrap();
            let before = if hop == 1 { "real".to_owned() } else { format!("link{}", hop - 1) };
            let target = format!("../l{}/{before}", hop - 1);
            symlink(target, folder.join(&format!("l{hop}/link{hop}"))).unwrap();
        }
        symlink("l9/link9", folder.join("file")).unwrap();
    };
    each_way_from(prepare, |folder, _| fs::write(folder.join("l0/real"), "new").unwrap());
}

#[test]
fn its_folder_is_replaced() {
    let prepare = |folder: &Folder| {
        folder.write("conf/file", "old");
        symlink("conf/file", folder.join("file")).unwrap();
    };
    each_way_from(prepare, |folder, _| {
        folder.write("conf.new/file", "new");
        fs::rename(folder.join("conf"), folder.join("conf.old")).unwrap();
        fs::rename(folder.join("conf.new"), folder.join("conf")).unwrap();
    });
}

#[test]
fn a_replaced_folder_is_watched_like_the_first() {
    let folder = Folder::new();
    folder.write("conf/file", "1");
    let live = LiveText::open(&folder.join("conf/file"));
    folder.write("conf.new/file", "2");
    fs::rename(folder.join("conf"), folder.join("conf.old")).unwrap();
    fs::rename(folder.join("conf.new"), folder.join("conf")).unwrap();
    live.publishes_once("2");
    folder.write("conf.old/file", "the old one is nobody's business");
    live.stays_silent();
    folder.write("conf/file", "3");
    assert_eq!(live.next(), OwnedNotice::Published("3".into(), Trigger::Event));
    fs::remove_dir_all(folder.join("conf.old")).unwrap();
    live.stays_silent();
    folder.write("conf/file", "4");
    assert_eq!(live.next(), OwnedNotice::Published("4".into(), Trigger::Event));
}

#[test]
fn its_folder_is_removed_and_made_again() {
    let prepare = |folder: &Folder| {
        folder.write("conf/file", "old");
        symlink("conf/file", folder.join("file")).unwrap();
    };
    each_way_from(prepare, |folder, _| {
        fs::remove_dir_all(folder.join("conf")).unwrap();
        folder.write("conf/file", "new");
    });
}

#[test]
fn a_folder_made_again_is_watched_like_the_first() {
    if !is_long_tier() {
        return;
    }
    let folder = Folder::new();
    folder.write("conf/file", "0");
    let live = LiveText::open(&folder.join("conf/file"));
    for round in 1..6 {
        fs::remove_dir_all(folder.join("conf")).unwrap();
        folder.write("conf/file", &format!("{round} again"));
        live.publishes_once(&format!("{round} again"));
        folder.write("conf/file", &format!("{round} saved"));
        assert_eq!(live.next(), OwnedNotice::Published(format!("{round} saved"), Trigger::Event));
    }
}

#[test]
fn two_files_are_exchanged() {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    each_way(|folder, path| {
        let other = folder.write("other", "new");
        renameat_with(CWD, &other, CWD, path, RenameFlags::EXCHANGE).unwrap();
    });
}

#[test]
fn written_by_one_who_never_closes() {
    let kept = std::cell::RefCell::new(Vec::new());
    each_way(|_, path| {
        let mut file = File::create(path).unwrap();
        file.write_all(b"n").unwrap();
        file.write_all(b"ew").unwrap();
        kept.borrow_mut().push(file);
    });
}

#[test]
fn written_slowly_it_is_not_judged_before_the_end() {
    each_way(|_, path| {
        let mut file = File::create(path).unwrap();
        for byte in b"new" {
            file.write_all(&[*byte]).unwrap();
            thread::sleep(Duration::from_millis(60));
        }
    });
}

#[test]
fn replaced_by_an_older_file() {
    each_way(|folder, path| {
        let other = folder.write("other", "new");
        let long_ago = std::time::UNIX_EPOCH + Duration::from_secs(1);
        File::options().write(true).open(&other).unwrap().set_modified(long_ago).unwrap();
        fs::rename(other, path).unwrap();
    });
}

#[test]
fn the_same_length_and_time_as_before() {
    each_way(|_, path| {
        let modified = fs::metadata(path).unwrap().modified().unwrap();
        let mut file = OpenOptions::new().write(true).open(path).unwrap();
        file.write_all(b"new").unwrap();
        file.set_modified(modified).unwrap();
    });
}

#[test]
fn emptied_it_is_believed_after_some_quiet() {
    let (_folder, path, live) = LiveText::of("file", "old");
    File::create(&path).unwrap();
    live.publishes_once("");
    fs::write(&path, "new").unwrap();
    live.publishes_once("new");
}

#[test]
fn removed_it_is_missing_once() {
    let (_folder, path, live) = LiveText::of("file", "old");
    fs::remove_file(&path).unwrap();
    match live.next() {
        OwnedNotice::Rejected(error, Trigger::Event) => {
            assert_eq!((error.path, error.kind), (path.clone(), ReadErrorKind::Missing));
        }
        other => panic!("{other:?}"),
    }
    live.stays_silent();
    assert_eq!(*live.live.snapshot(), "old", "the last good one stays");
    fs::write(&path, "new").unwrap();
    live.publishes_once("new");
}

#[test]
fn touching_changing_modes_and_saving_the_same_bytes_publish_nothing() {
    let (folder, path, live) = LiveText::of("file", "old");
    run("touch", &["file"], &folder.path);
    live.stays_silent();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    live.stays_silent();
    fs::write(&path, "old").unwrap();
    live.stays_silent();
    fs::rename(folder.write("tmp", "old"), &path).unwrap();
    live.stays_silent();
    fs::hard_link(&path, folder.join("backup")).unwrap();
    live.stays_silent();
    folder.write("unrelated", "x");
    live.stays_silent();
    fs::write(&path, "new").unwrap();
    live.publishes_once("new");
}

#[test]
fn reading_is_not_an_event() {
    let folder = Folder::new();
    let path = folder.write("file", "old");
    let builds = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&builds);
    let file = path.clone();
    let live = LiveText::build(options(), move |files| {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        crate::support::text(files, &file).map(Some)
    })
    .unwrap();
    fs::write(&path, "new").unwrap();
    live.publishes_once("new");
    let after = builds.load(std::sync::atomic::Ordering::Relaxed);
    for _ in 0..100 {
        fs::read(&path).unwrap();
    }
    live.stays_silent();
    assert_eq!(builds.load(std::sync::atomic::Ordering::Relaxed), after);
}

#[test]
fn ten_saves_at_once_end_with_the_last() {
    let (_folder, path, live) = LiveText::of("file", "old");
    for save in 0..10 {
        fs::write(&path, format!("save {save}")).unwrap();
    }
    let notices = live.aftermath();
    assert_eq!(notices.last(), Some(&OwnedNotice::Published("save 9".into(), Trigger::Event)));
    assert!(
        notices
            .iter()
            .all(|notice| matches!(notice, OwnedNotice::Published(text, _) if text.starts_with("save "))),
        "{notices:?}"
    );
}
