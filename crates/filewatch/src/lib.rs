//! Keeps a value in step with files on disk.
//!
//! A [`Live<T>`](Live) is built by a closure from what it reads, and built again when any byte of that changes. A new value is swapped in whole;
//! when a build fails the last good value stays. The closure that builds it *is* the reload: there is nothing else to configure.
//!
//! ```
//! use filewatch::{Files, Live, Notice, ReadError, Options};
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("greeting.txt");
//! # std::fs::write(&path, "hello\n")?;
//! # let edited = path.clone();
//! # let (heard, hears) = std::sync::mpsc::channel();
//! let greeting = Live::open(
//!     Options::default(),
//!     move |files: &mut Files<'_>, _| {
//!         let bytes = files.read(&path, 1024)?;
//!         Ok::<_, ReadError>(Some(String::from_utf8_lossy(&bytes).trim().to_owned()))
//!     },
//!     move |notice| {
//!         if let Notice::Published { new, .. } = notice {
//!             println!("now it is `{new}`");
//! #           let _ = heard.send(());
//!         }
//!     },
//! )?;
//! assert_eq!(*greeting.snapshot(), "hello");
//! # std::fs::write(edited, "good morning\n")?;
//! # hears.recv_timeout(std::time::Duration::from_secs(30))?;
//! // ... the file is saved ...
//! assert_eq!(*greeting.snapshot(), "good morning");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The invariant
//!
//! **What a build is given was on the disk at one moment, every file of it saved whole by a writer that closes or renames it once; the last save is
//! never missed; and what did not change causes no build.**
//!
//! Events are hints; content is the truth. An event never decides what happened, it only says where to read:
//!
//! * The *folder* of every name on the way to a file is watched, symlinks followed, never the file: every way of replacing a file, a symlink or a
//!   folder above it is an event there. Folders are watched before anything in them is read. The folder around a mount is not: what is
//!   mounted in it cannot be renamed, and every program that opens something in `/dev` would wake us.
//! * A writer that closes, or renames into place, is done: its file is read at once. Any other change waits for some
//!   [quiet](Options::quiet), and an empty file, always, for four times as much: it may have been emptied to be written in another opening.
//! * A file is read between two looks at its size and times. Who is in the midst of a call that writes it is waited for: a writer holds the
//!   file's lock, and its bytes can be read before their event is queued. Then all events that have come meanwhile are heard: the kernel queues an
//!   event within the call that causes it, and the thread that reads the files reads that queue itself, so none that concerns the reading is under
//!   way. If one was, the file is read again.
//! * Bytes are compared with those of the last build. Only a difference, or [`reload`](Live::reload), builds.
//! * Events may be dropped, or may not come at all. Dropped ones are noticed, and everything is looked at. Besides, everything is looked at
//!   [now and then](Options::poll) by `stat`, more often where events are known not to come; each [`Degraded`] is reported once, and when it is over.
//!
//! # When it cannot hold
//!
//! * A writer that saves in two openings, or pauses longer than the quiet, or is held up for so long by a machine that is busy, has shown what it
//!   has written so far as if it were done. The build sees it, and refuses it or not; the rest of the save makes the next build.
//! * A writer that has let go of the file's lock and not queued its event yet cannot be told from one that is done. That is well under a microsecond, but
//!   for one who is interrupted there, or writes over a text with `O_SYNC` or `copy_file_range`; and the whole call on a file system where its lock cannot be
//!   waited for (on ext4, tmpfs, btrfs and overlays of them it can, XFS holds it over each reading too). Its event follows, and makes the next build.
//! * A file that is never at rest is read after two seconds all the same, between two writes.
//! * A file written through a mapping makes no events: it is found by looking, when the system brings its times up to date. One that is written through a hard link in a folder
//!   that is not watched is found by looking too, within a second.
//! * Where no events come at all (network file systems, exhausted limits) a file is read once it has looked the same for the length of the quiet.
//! * On systems other than Linux `notify` watches, on a thread of its own, which is asked whether it has told of everything. It did as well in all
//!   tests (on Linux: `--cfg filewatch_elsewhere`), but nobody promises it.
//!
//! # What each step is good for
//!
//! `just torture` leaves out one step after the other while a process saves a file again and again, each in the storm that needs it most, and fails if that
//! does not tear; with all steps the same storms must tear nothing. The steps stand in for each other, but not everywhere:
//!
//! * Without the waiting, half a text is read between two of a writer's steps. Nothing else keeps that from being built for long.
//! * Without the events of the meantime, a save that begins between the first event and the reading is read in one of its pauses. The two looks see
//!   nothing: nothing changes while it is read.
//! * Without waiting for the call that writes, a large file is read while it is cut to a part: it has its new size before the rest is given back, and
//!   the event comes after that. So it is with what is written over another text while it is copied. Neither looks nor events show it.
//! * Without the two looks, a large file is overtaken while it is read: it is cut off, and the event of that comes when the cutting is done,
//!   too late to be heard then. In a file of a few kilobytes there is no time for it: there the events do for both.
//! * Without the rule for empty files, one that a writer empties in one opening and writes in another is read between them.
//!
//! Whatever happens, the last good value stays until a build succeeds, and the next change builds again.
//!
//! # What it does not do
//!
//! It knows no format, no globs, no logging, and no async runtime: it has one thread of its own, which lives as long as the last handle.
//! It does not debounce: a save that is done is read in well under a millisecond. It does not say *what* changed: compare the old value with the new one.

mod attention;
mod cause;
mod chain;
mod degraded;
mod ear;
mod error;
mod event;
mod file;
mod files;
mod fingerprint;
mod grounds;
mod letters;
mod live;
mod options;
mod post;
mod reading;
mod rebuild_lock;
mod scout;
mod sentry;
mod settle;
mod shelf;
mod tree;
mod ward;
mod watcher;

pub use degraded::Degraded;
pub use error::{ReadError, ReadErrorKind};
#[doc(hidden)]
pub use files::once;
pub use files::{Files, TreeLimits};
pub use live::{Live, Notice, ReloadHandle, Trigger};
pub use options::Options;
#[doc(hidden)]
pub use options::Step;
pub use rebuild_lock::{RebuildGuard, RebuildLock};
pub use watcher::Watcher;
