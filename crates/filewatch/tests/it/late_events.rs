//! A write whose event comes late: after the reader has seen its bytes.
//!
//! The kernel queues the event of a write after it has released the inode's lock. Here the writer is held up between the two.

use crate::support::{DEADLINE, Folder, LiveText, OwnedNotice, options};
use filewatch::{LateWrite, Options, Step, Trigger};
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, SystemTime};

/// A file whose times are in the future, so that the test does not depend on its own speed.
struct LateSave {
    _folder: Folder,
    path: PathBuf,
    live: LiveText,
    write: LateWrite,
    start: SystemTime,
}

impl LateSave {
    fn open(options: Options) -> Self {
        let folder = Folder::new();
        let (path, start) = (folder.join("file"), SystemTime::now() + Duration::from_hours(1));
        let late_write = LateWrite::default();
        save(&path, "old", start);
        // The writer is never quiet for so long.
        let live = LiveText::open_with(options.quiet(DEADLINE).late_write(&late_write), &path);
        Self { _folder: folder, path, live, write: late_write, start }
    }

    /// `first` makes an event. Just before the reading that follows, another writer overwrites two bytes. It goes on after that reading,
    /// and after `meanwhile`.
    fn save_after(&self, first: impl FnOnce(&Path, SystemTime), meanwhile: impl FnOnce(&LiveText)) {
        let (path, time) = (self.path.clone(), self.start + Duration::from_millis(2));
        let (tell, told) = mpsc::channel();
        self.write.set(move || {
            let mut file = File::options().write(true).open(path).unwrap();
            file.write_all(b"ne").unwrap();
            file.set_modified(time).unwrap();
            tell.send(file).unwrap();
            tell
        });
        first(&self.path, self.start + Duration::from_millis(1));
        let mut file = told.recv_timeout(DEADLINE).unwrap();
        assert_eq!(
            told.recv_timeout(DEADLINE).err(),
            Some(RecvTimeoutError::Disconnected),
            "the reading is over"
        );
        meanwhile(&self.live);
        file.write_all(b"w").unwrap();
        file.set_modified(time).unwrap();
    }
}

/// Overwrites the text in place and closes the file. A file that is emptied first makes its event in time.
fn save(path: &Path, text: &str, time: SystemTime) {
    let mut file = File::options().write(true).create(true).truncate(false).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.set_modified(time).unwrap();
}

fn touch(path: &Path, _: SystemTime) {
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

fn close(path: &Path, time: SystemTime) {
    save(path, "mid", time);
}

#[test]
fn a_save_whose_event_comes_late_is_not_given_in_part() {
    for first in [close, touch] {
        let late = LateSave::open(options());
        late.save_after(first, |_| {});
        late.live.publishes_once("new");
    }
}

/// The negative control.
#[test]
fn without_the_delay_a_save_whose_event_comes_late_is_given_in_part() {
    for first in [close, touch] {
        let late = LateSave::open(options().omit(Step::EventDelay));
        late.save_after(first, |live| {
            assert_eq!(live.next(), OwnedNotice::Published("ned".into(), Trigger::Event));
        });
        late.live.publishes_once("new");
    }
}
