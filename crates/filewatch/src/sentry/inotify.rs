//! inotify(7), read by the watching thread itself.
//!
//! The kernel queues an event within the call that causes it. So what has happened before the queue is read is in it, and nobody else
//! has to be waited for.

#[cfg(test)]
mod tests;

use crate::event::{Hint, Sign};
use crate::letters::Letters;
use crate::rebuild_lock::RebuildLock;
use crate::sentry::Refusal;
use crate::ward::{Wards, awaits};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch};
use rustix::io::{Errno, ioctl_fionread, read, write};
use std::collections::{HashMap, VecDeque};
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// What is heard of a folder. Not that something was opened or read: whoever reads would wake himself.
const EVENTS: WatchFlags = WatchFlags::ATTRIB
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

/// The queue of events, if there is one.
pub(crate) struct Sentry(Option<Queue>);

struct Queue {
    number: u64,
    inotify: OwnedFd,
    rung: Arc<OwnedFd>,
    held_back: Option<RebuildLock>,
    wards: Arc<Wards>,
    /// More than one path where a folder is mounted in several places.
    folders: HashMap<i32, Vec<PathBuf>>,
    numbers: HashMap<PathBuf, i32>,
}

/// Wakes the thread that waits for events, for the sentry that was posted last. It keeps no descriptor open.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bell(Arc<Mutex<Weak<OwnedFd>>>);

impl Sentry {
    pub(crate) fn absent() -> Self {
        Self(None)
    }

    /// Absent if the system will not have one more. It tells of its own end by its number.
    pub(crate) fn post(number: u64, held_back: Option<RebuildLock>, letters: &Letters) -> Self {
        let queue = || -> Result<Queue, Errno> {
            let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
            let rung = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
            letters.bell.hang(&rung);
            let (wards, folders, numbers) = (Arc::default(), HashMap::new(), HashMap::new());
            Ok(Queue { number, inotify, rung, held_back, wards, folders, numbers })
        };
        Self(queue().ok())
    }

    pub(crate) fn is_absent(&self) -> bool {
        self.0.is_none()
    }

    /// Says only what these wait for.
    pub(crate) fn attend(&mut self, wards: &Arc<Wards>) {
        if let Some(queue) = &mut self.0 {
            queue.wards = Arc::clone(wards);
        }
    }

    pub(crate) fn watch(&mut self, folder: &Path) -> Result<(), Refusal> {
        let queue = self.0.as_mut().ok_or(Refusal::Absent)?;
        let number = add_watch(&queue.inotify, folder, EVENTS).map_err(|error| match error {
            Errno::NOENT | Errno::NOTDIR => Refusal::Missing,
            Errno::NOSPC => Refusal::Limit,
            _ => Refusal::Unwatchable,
        })?;
        queue.folders.entry(number).or_default().push(folder.to_owned());
        queue.numbers.insert(folder.to_owned(), number);
        Ok(())
    }

    /// Does not watch this folder any more, if it did.
    pub(crate) fn unwatch(&mut self, folder: &Path) {
        let Some(queue) = &mut self.0 else { return };
        let Some(number) = queue.numbers.remove(folder) else { return };
        let Some(paths) = queue.folders.get_mut(&number) else { return };
        paths.retain(|path| path != folder);
        if paths.is_empty() {
            queue.folders.remove(&number);
            // It may have gone with its folder.
            let _ = remove_watch(&queue.inotify, number);
        }
    }

    /// Waits until something is heard or the bell rings, but no longer than this.
    pub(crate) fn wait(&mut self, inbox: &Receiver<Hint>, left: Duration, heard: &mut VecDeque<Hint>) {
        match &mut self.0 {
            Some(queue) => queue.wait(left, heard),
            None => heard.extend(inbox.recv_timeout(left)),
        }
    }

    /// Hears all that has happened by now. False if that cannot be.
    pub(crate) fn catch_up(&mut self, heard: &mut VecDeque<Hint>) -> bool {
        self.0.as_mut().map(|queue| queue.hear(heard)).is_some()
    }
}

impl Queue {
    fn wait(&mut self, left: Duration, heard: &mut VecDeque<Hint>) {
        let mut sources =
            [PollFd::new(&self.inotify, PollFlags::IN), PollFd::new(&*self.rung, PollFlags::IN)];
        // What is too long for the system is for ever.
        let ready = poll(&mut sources, Timespec::try_from(left).ok().as_ref());
        let [events, bell] = sources.map(|source| !source.revents().is_empty());
        if matches!(ready, Err(error) if error != Errno::INTR) || (bell && !self.is_silenced()) {
            heard.push_back(Hint::Died(self.number));
        } else if events {
            self.hear(heard);
        }
    }

    /// False if the bell is none.
    fn is_silenced(&self) -> bool {
        matches!(read(&*self.rung, &mut [0; 8]), Ok(8) | Err(Errno::AGAIN | Errno::INTR))
    }

    /// Hears what is in the queue by now, and nothing that comes meanwhile: who writes without an end would be listened to without an end.
    fn hear(&mut self, heard: &mut VecDeque<Hint>) {
        let held_back = self.held_back.clone();
        let _held = held_back.as_ref().map(RebuildLock::hold);
        match ioctl_fionread(&self.inotify).map(usize::try_from) {
            Ok(Ok(0)) => {}
            Ok(Ok(queued)) => self.take(queued, heard),
            _ => heard.push_back(Hint::Died(self.number)),
        }
    }

    /// Takes the first events, so many bytes of them, out of the queue.
    fn take(&mut self, queued: usize, heard: &mut VecDeque<Hint>) {
        let mut buffer = vec![MaybeUninit::uninit(); queued];
        let mut events = Reader::new(&self.inotify, &mut buffer);
        loop {
            let event = match events.next() {
                Ok(event) => event,
                Err(Errno::INTR) => continue,
                Err(_) => return heard.push_back(Hint::Died(self.number)),
            };
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                heard.push_back(Hint::Lost);
            } else if event.events().contains(ReadFlags::IGNORED) {
                for folder in self.folders.remove(&event.wd()).unwrap_or_default() {
                    self.numbers.remove(&folder);
                }
            } else if let (Some(sign), Some(folders)) = (sign(event.events()), self.folders.get(&event.wd()))
            {
                let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                let paths = folders.iter().filter_map(|folder| awaited(&self.wards, folder, name));
                heard.extend(paths.map(|path| Hint::Seen(sign, path)));
            }
            if events.is_buffer_empty() {
                return;
            }
        }
    }
}

impl Bell {
    /// Wakes whoever waits. Nobody waits for it where no events are heard.
    pub(crate) fn ring(&self) {
        let rung = self.0.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        if let Some(rung) = rung {
            // It fails only if it has been rung more often than anybody can count.
            let _ = write(&*rung, &1u64.to_ne_bytes());
        }
    }

    fn hang(&self, rung: &Arc<OwnedFd>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(rung);
    }
}

/// The path of this name in the folder, or of the folder itself, unless nobody waits for it.
fn awaited(wards: &Wards, folder: &Path, name: Option<&OsStr>) -> Option<PathBuf> {
    match name {
        Some(name) => (wards.get(folder)?.awaits(name) != Some(false)).then(|| folder.join(name)),
        None => (awaits(wards, folder) != Some(false)).then(|| folder.to_owned()),
    }
}

/// What such an event says; the last ones are about the folder itself.
fn sign(events: ReadFlags) -> Option<Sign> {
    let signs = [
        (ReadFlags::CLOSE_WRITE, Sign::Closed),
        (ReadFlags::MOVED_TO, Sign::Arrived),
        (ReadFlags::MOVED_FROM, Sign::Left),
        (ReadFlags::CREATE, Sign::Made),
        (ReadFlags::DELETE, Sign::Gone),
        (ReadFlags::MODIFY, Sign::Written),
        (ReadFlags::ATTRIB, Sign::Touched),
        (ReadFlags::MOVE_SELF, Sign::Left),
        (ReadFlags::DELETE_SELF, Sign::Gone),
        (ReadFlags::UNMOUNT, Sign::Gone),
    ];
    signs.into_iter().find(|(flag, _)| events.contains(*flag)).map(|(_, sign)| sign)
}
