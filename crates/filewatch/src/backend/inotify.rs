//! inotify(7), read by the watching thread itself.
//!
//! The kernel queues an event within the call that causes it. So every event of what happened before the queue is read is in the
//! queue, and there is no other thread to wait for.

#[cfg(test)]
mod tests;

use crate::backend::WatchError;
use crate::dir_filter::{DirFilters, accepts};
use crate::message::{EventKind, Message};
use crate::sender::Sender;
use crate::switches::Switches;
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

/// The events that are asked for. Not those of opening and reading: our own reading would wake us.
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
pub(crate) struct Backend(Option<Queue>);

struct Queue {
    number: u64,
    inotify: OwnedFd,
    eventfd: Arc<OwnedFd>,
    switches: Switches,
    filters: Arc<DirFilters>,
    /// The folders of a watch: more than one where a folder is mounted in several places.
    folders: HashMap<i32, Vec<PathBuf>>,
    watches: HashMap<PathBuf, i32>,
}

/// Wakes the thread that waits for events of the latest queue. It keeps no descriptor open.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waker(Arc<Mutex<Weak<OwnedFd>>>);

impl Backend {
    /// No watcher at all.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Opens a queue, or none if the system refuses. `number` identifies it in [`Message::BackendFailed`].
    pub(crate) fn open(number: u64, switches: &Switches, sender: &Sender) -> Self {
        let queue = || -> Result<Queue, Errno> {
            let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
            let eventfd = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
            sender.waker.wakes(&eventfd);
            let (filters, folders, watches) = (Arc::default(), HashMap::new(), HashMap::new());
            Ok(Queue { number, inotify, eventfd, switches: switches.clone(), filters, folders, watches })
        };
        Self(queue().ok())
    }

    pub(crate) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Reports only the names that these filters accept.
    pub(crate) fn set_filters(&mut self, filters: &Arc<DirFilters>) {
        if let Some(queue) = &mut self.0 {
            queue.filters = Arc::clone(filters);
        }
    }

    pub(crate) fn watch(&mut self, folder: &Path) -> Result<(), WatchError> {
        let queue = self.0.as_mut().ok_or(WatchError::NoBackend)?;
        let watch = add_watch(&queue.inotify, folder, EVENTS).map_err(|error| match error {
            Errno::NOENT | Errno::NOTDIR => WatchError::Missing,
            Errno::NOSPC => WatchError::Limit,
            _ => WatchError::Refused,
        })?;
        queue.folders.entry(watch).or_default().push(folder.to_owned());
        queue.watches.insert(folder.to_owned(), watch);
        Ok(())
    }

    /// Ends the watching of this folder, if it was watched.
    pub(crate) fn unwatch(&mut self, folder: &Path) {
        let Some(queue) = &mut self.0 else { return };
        let Some(watch) = queue.watches.remove(folder) else { return };
        let Some(folders) = queue.folders.get_mut(&watch) else { return };
        folders.retain(|other| other != folder);
        if folders.is_empty() {
            queue.folders.remove(&watch);
            // It fails if the watch is gone with its folder.
            let _ = remove_watch(&queue.inotify, watch);
        }
    }

    /// Waits for an event or a message, for `timeout` at most.
    pub(crate) fn wait(
        &mut self,
        inbox: &Receiver<Message>,
        timeout: Duration,
        messages: &mut VecDeque<Message>,
    ) {
        match &mut self.0 {
            Some(queue) => queue.wait(timeout, messages),
            None => messages.extend(inbox.recv_timeout(timeout)),
        }
    }

    /// Reads the events of everything that has happened so far. False if there is no queue.
    pub(crate) fn read_all(&mut self, messages: &mut VecDeque<Message>) -> bool {
        self.0.as_mut().map(|queue| queue.read_all(messages)).is_some()
    }
}

impl Queue {
    fn wait(&mut self, timeout: Duration, messages: &mut VecDeque<Message>) {
        let mut sources =
            [PollFd::new(&self.inotify, PollFlags::IN), PollFd::new(&*self.eventfd, PollFlags::IN)];
        // A time that is too long for the system means no timeout.
        let ready = poll(&mut sources, Timespec::try_from(timeout).ok().as_ref());
        let [events, woken] = sources.map(|source| !source.revents().is_empty());
        if matches!(ready, Err(error) if error != Errno::INTR) || (woken && !self.reset_eventfd()) {
            messages.push_back(Message::BackendFailed(self.number));
        } else if events {
            self.read_all(messages);
        }
    }

    /// False if the descriptor has failed.
    fn reset_eventfd(&self) -> bool {
        matches!(read(&*self.eventfd, &mut [0; 8]), Ok(8) | Err(Errno::AGAIN | Errno::INTR))
    }

    /// Reads what is in the queue now, and nothing that is added meanwhile: a writer that never stops would keep us here for ever.
    fn read_all(&mut self, messages: &mut VecDeque<Message>) {
        let switches = self.switches.clone();
        let _held = switches.hold_back();
        match ioctl_fionread(&self.inotify).map(usize::try_from) {
            Ok(Ok(0)) => {}
            Ok(Ok(bytes)) => self.read(bytes, messages),
            _ => messages.push_back(Message::BackendFailed(self.number)),
        }
    }

    /// Reads the first events of the queue, this many bytes.
    fn read(&mut self, bytes: usize, messages: &mut VecDeque<Message>) {
        let mut buffer = vec![MaybeUninit::uninit(); bytes];
        let mut events = Reader::new(&self.inotify, &mut buffer);
        loop {
            let event = match events.next() {
                Ok(event) => event,
                Err(Errno::INTR) => continue,
                Err(_) => return messages.push_back(Message::BackendFailed(self.number)),
            };
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                messages.push_back(Message::EventsLost);
            } else if event.events().contains(ReadFlags::IGNORED) {
                for folder in self.folders.remove(&event.wd()).unwrap_or_default() {
                    self.watches.remove(&folder);
                }
            } else if let (Some(kind), Some(folders)) = (kind(event.events()), self.folders.get(&event.wd()))
            {
                let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                let paths = folders.iter().filter_map(|folder| accepted(&self.filters, folder, name));
                messages.extend(paths.map(|path| Message::Event(kind, path)));
            }
            if events.is_buffer_empty() {
                return;
            }
        }
    }
}

impl Waker {
    pub(crate) fn wake(&self) {
        let eventfd = self.0.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        if let Some(eventfd) = eventfd {
            // It fails only when the counter is full, and then the thread wakes up anyway.
            let _ = write(&*eventfd, &1u64.to_ne_bytes());
        }
    }

    fn wakes(&self, eventfd: &Arc<OwnedFd>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(eventfd);
    }
}

/// The path of this name in the folder, or of the folder itself, if a filter accepts it.
fn accepted(filters: &DirFilters, folder: &Path, name: Option<&OsStr>) -> Option<PathBuf> {
    match name {
        Some(name) => (filters.get(folder)?.accepts(name) != Some(false)).then(|| folder.join(name)),
        None => (accepts(filters, folder) != Some(false)).then(|| folder.to_owned()),
    }
}

/// The last three are events of the watched folder itself.
fn kind(events: ReadFlags) -> Option<EventKind> {
    let kinds = [
        (ReadFlags::CLOSE_WRITE, EventKind::Closed),
        (ReadFlags::MOVED_TO, EventKind::MovedHere),
        (ReadFlags::MOVED_FROM, EventKind::MovedAway),
        (ReadFlags::CREATE, EventKind::Created),
        (ReadFlags::DELETE, EventKind::Removed),
        (ReadFlags::MODIFY, EventKind::Written),
        (ReadFlags::ATTRIB, EventKind::Touched),
        (ReadFlags::MOVE_SELF, EventKind::MovedAway),
        (ReadFlags::DELETE_SELF, EventKind::Removed),
        (ReadFlags::UNMOUNT, EventKind::Removed),
    ];
    kinds.into_iter().find(|(flag, _)| events.contains(*flag)).map(|(_, kind)| kind)
}
