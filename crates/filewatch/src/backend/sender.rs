//! Sends messages to the watching thread.

use crate::backend::message::Message;
use crate::backend::waker::Waker;
use std::sync::mpsc::{self, Receiver};

#[derive(Clone, Debug)]
pub(crate) struct Sender {
    messages: mpsc::Sender<Message>,
    pub(crate) waker: Waker,
}

impl Sender {
    pub(crate) fn new() -> (Self, Receiver<Message>) {
        let (messages, inbox) = mpsc::channel();
        (Self { messages, waker: Waker::default() }, inbox)
    }

    /// Sends a message and wakes the thread. Does nothing when the watching has ended.
    pub(crate) fn send(&self, message: Message) {
        // The message comes first: a thread that wakes up finds it.
        let _ = self.messages.send(message);
        self.waker.wake();
    }
}
