//! inotify(7), read by the watching thread itself.
//!
//! The kernel queues an event within the call that causes it. So every event of what happened before the queue is read is in the
//! queue, and there is no other thread to wait for.

#[cfg(test)]
mod tests;

use crate::backend::message::{EventKind, Message};
use crate::backend::sender::Sender;
use crate::backend::watch_error::WatchError;
use crate::dir_filter::{DirFilters, accepts};
use crate::switches::Switches;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch};
use rustix::io::{Errno, ioctl_fionread, read};
use std::collections::{HashMap, VecDeque};
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// The events that are asked for. Those of opening and reading are not: our own reading would cause them.
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

/// A queue of events.
pub(crate) struct Backend {
    number: u64,
    inotify: OwnedFd,
    eventfd: Arc<OwnedFd>,
    switches: Switches,
    filters: Arc<DirFilters>,
    /// The folders of a watch: more than one where a folder is mounted in several places.
    folders: HashMap<i32, Vec<PathBuf>>,
    watches: HashMap<PathBuf, i32>,
}

impl Backend {
    /// Opens a queue, or none if the system refuses. `number` identifies it in [`Message::BackendFailed`].
    pub(crate) fn open(number: u64, switches: &Switches, sender: &Sender) -> Option<Self> {
        let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
        let eventfd = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).ok()?);
        sender.set_eventfd(&eventfd);
        let (filters, folders, watches) = (Arc::default(), HashMap::new(), HashMap::new());
        Some(Self { number, inotify, eventfd, switches: switches.clone(), filters, folders, watches })
    }

    /// Reports only the names that these filters accept.
    pub(crate) fn set_filters(&mut self, filters: &Arc<DirFilters>) {
        self.filters = Arc::clone(filters);
    }

    pub(crate) fn watch(&mut self, folder: &Path) -> Result<(), WatchError> {
        let watch = add_watch(&self.inotify, folder, EVENTS).map_err(|error| match error {
            Errno::NOENT | Errno::NOTDIR => WatchError::Missing,
            Errno::NOSPC => WatchError::Limit,
            _ => WatchError::Refused,
        })?;
        self.folders.entry(watch).or_default().push(folder.to_owned());
        self.watches.insert(folder.to_owned(), watch);
        Ok(())
    }

    /// Ends the watching of this folder, if it was watched.
    pub(crate) fn unwatch(&mut self, folder: &Path) {
        let Some(watch) = self.watches.remove(folder) else { return };
        let Some(folders) = self.folders.get_mut(&watch) else { return };
        folders.retain(|other| other != folder);
        if folders.is_empty() {
            self.folders.remove(&watch);
            // It fails if the watch is gone with its folder.
            let _ = remove_watch(&self.inotify, watch);
        }
    }

    /// Waits for an event, or to be woken, for `timeout` at most.
    pub(crate) fn wait(
        &mut self,
        _: &Receiver<Message>,
        timeout: Duration,
        messages: &mut VecDeque<Message>,
    ) {
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

    /// Reads the events of everything that has happened so far. True: this backend can always do so.
    ///
    /// Events that are added meanwhile are not read: with a writer that never stops this would not end.
    pub(crate) fn read_all(&mut self, messages: &mut VecDeque<Message>) -> bool {
        let switches = self.switches.clone();
        let _held = switches.hold_back();
        match ioctl_fionread(&self.inotify).map(usize::try_from) {
            Ok(Ok(0)) => {}
            Ok(Ok(bytes)) => self.read(bytes, messages),
            _ => messages.push_back(Message::BackendFailed(self.number)),
        }
        true
    }

    /// False if the descriptor has failed.
    fn reset_eventfd(&self) -> bool {
        matches!(read(&*self.eventfd, &mut [0; 8]), Ok(8) | Err(Errno::AGAIN | Errno::INTR))
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
