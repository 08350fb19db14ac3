//! Sends messages to the watching thread.

use crate::backend::message::Message;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError, Weak};

#[derive(Clone, Debug)]
pub(crate) struct Sender {
    messages: mpsc::Sender<Message>,
    /// Wakes the thread that waits for events of the latest queue. It keeps no descriptor open.
    eventfd: Arc<Mutex<Weak<OwnedFd>>>,
}

impl Sender {
    pub(crate) fn new() -> (Self, Receiver<Message>) {
        let (messages, inbox) = mpsc::channel();
        (Self { messages, eventfd: Arc::default() }, inbox)
    }

    /// Sends a message and wakes the thread. Does nothing when the watching has ended.
    pub(crate) fn send(&self, message: Message) {
        // The message comes first: a thread that wakes up finds it.
        let _ = self.messages.send(message);
        let eventfd = self.eventfd.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        if let Some(eventfd) = eventfd {
            // It fails only when the counter is full, and then the thread wakes up anyway.
            let _ = rustix::io::write(&*eventfd, &1u64.to_ne_bytes());
        }
    }

    /// From now on messages wake this queue's thread. Without a queue the thread waits for the messages themselves.
    #[cfg(all(target_os = "linux", not(feature = "notify")))]
    pub(crate) fn set_eventfd(&self, eventfd: &Arc<OwnedFd>) {
        *self.eventfd.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(eventfd);
    }
}
