//! Keeps a value in step with files on disk.
//!
//! A [`Live<T>`](Live) is built by a closure from the files that it reads, and built again when a byte of them changes. A new value is swapped
//! in as a whole. When a build fails, the last good value stays. The closure is the reload: there is nothing else to configure.
//!
//! ```
//! use filewatch::{Files, Live, Notice, ReadError, Options};
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("greeting.txt");
//! # std::fs::write(&path, "hello\n")?;
//! # let edited = path.clone();
//! # let (notified, notices) = std::sync::mpsc::channel();
//! let greeting = Live::open(
//!     Options::default(),
//!     move |files: &mut Files<'_>, _| {
//!         let bytes = files.read(&path, 1024)?;
//!         Ok::<_, ReadError>(Some(String::from_utf8_lossy(&bytes).trim().to_owned()))
//!     },
//!     move |notice| {
//!         if let Notice::Published { new, .. } = notice {
//!             println!("now it is `{new}`");
//! #           let _ = notified.send(());
//!         }
//!     },
//! )?;
//! assert_eq!(*greeting.snapshot(), "hello");
//! # std::fs::write(edited, "good morning\n")?;
//! # notices.recv_timeout(std::time::Duration::from_secs(30))?;
//! // ... the file is saved ...
//! assert_eq!(*greeting.snapshot(), "good morning");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The invariant
//!
//! **The files that a build is given were on the disk at one moment, each of them complete if its writer closes or renames it once. The last save
//! is never missed. Without a change there is no build.**
//!
//! Events are hints, content is the truth. An event never decides what happened. It only says what to read:
//!
//! * The *folder* of every name on the way to a file is watched, through symlinks, and never the file. So every way to replace
//!   a file, a symlink or a folder makes an event. A folder is watched before anything in it is read. The folder around a mount
//!   point is not watched. A mount point cannot be renamed, and every program that opens something in `/dev` would wake the
//!   thread.
//! * A writer that closes its file, or renames it into place, is done, and the file is read at once. Any other change waits for a
//!   [quiet](Options::quiet) period. An empty file always waits for four of them: its writer may have emptied it to write it in a second opening.
//! * The size and the times of a file are compared before and after it is read. Then the thread waits for a writer that is
//!   inside a system call. Such a writer holds the file's lock, and its bytes can be read before its event is queued. Then the
//!   queue of events is read. The kernel queues an event within the call that causes it, and the reading thread reads the queue
//!   itself. So every event that concerns the reading is in the queue. If there is one, the file is read again.
//! * The bytes are compared with those of the last build. Only a difference, or [`reload`](Live::reload), causes a build.
//! * Events may be dropped or not come at all. Dropped events are noticed, and everything is looked at. Besides, everything is looked at by
//!   `stat` in the [poll](Options::poll), more often where no events come. Each [`Degraded`] state is reported once, and so is its end.
//!
//! # When it cannot hold
//!
//! * A writer that saves in two openings, or pauses longer than the quiet period, publishes a partial file. So does one that a busy machine holds up for so
//!   long. The build gets the partial file and may refuse it. The rest of the save causes the next build.
//! * A writer between releasing the file's lock and queueing the event cannot be told from one that is done. This takes well
//!   under a microsecond, unless the writer is interrupted there, overwrites a text with `O_SYNC`, or uses `copy_file_range`.
//!   It is the whole call on a file system whose lock cannot be waited for. On ext4, tmpfs, btrfs and overlays of them it can;
//!   XFS holds the lock over each read, too. The event follows and causes the next build. So a file that was changed a moment
//!   ago is taken only after 50 µs without an event. A file that came by a rename is exempt. So is one that was closed, if no
//!   other save came within a second before. These bytes are from a writer that is done.
//! * A file that never stops changing is read after two seconds, between two writes.
//! * A write through a mapping makes no event. The poll finds it when the system updates the file's times. The poll also finds, within a second, a
//!   write through a hard link in a folder that is not watched.
//! * On network file systems, and when limits are exhausted, no events come. Then a file is read when it has looked the same
//!   for a quiet period.
//! * The crate `notify`, which watches on systems other than Linux, does so on a thread of its own. That thread is asked whether it has reported everything. All
//!   tests pass with it (on Linux: feature `notify`), but it promises nothing.
//!
//! In every case the last good value stays until a build succeeds, and the next change builds again.
//!
//! # What it does not do
//!
//! It knows no format, no globs, no logging and no async runtime. It has one thread, which lives as long as the last handle.
//! It does not debounce: a finished save is read in well under a millisecond. It does not say *what* changed: compare the old value with
//! the new one.
//!
//! # Structure
//!
//! There are three layers. `backend` is inotify or `notify`: folders in, events out. `watch_set` knows the watched folders, and
//! replaces a backend that fails. `engine` decides what to read and when, and proves that it belongs together. [`Live`] builds
//! values with an engine, [`Watcher`] reports changed files with a watch set.
//!
//! # Features
//!
//! * `notify`: uses the crate `notify` on Linux, too.
//! * `testing`: switches that leave out a step or hold back events, and `Live::settled`. For tests only. `Step` says what each step is
//!   good for.

mod backend;
mod degraded;
mod dir_filter;
mod dir_index;
mod engine;
mod error;
mod fingerprint;
mod live;
mod mount;
mod notice;
mod options;
mod rebuild_lock;
mod reload_handle;
mod resolved_path;
mod settle;
mod switches;
mod trigger;
mod watch_set;
mod watcher;
mod worker;

pub use degraded::Degraded;
pub use engine::files::Files;
#[doc(hidden)]
pub use engine::files::once;
pub use engine::tree::TreeLimits;
pub use error::{ReadError, ReadErrorKind};
pub use live::Live;
pub use notice::Notice;
pub use options::Options;
pub use rebuild_lock::RebuildLock;
pub use reload_handle::ReloadHandle;
#[cfg(feature = "testing")]
pub use switches::{LateWrite, Step};
pub use trigger::Trigger;
pub use watcher::Watcher;
