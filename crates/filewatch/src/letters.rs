//! How others reach the watching thread.

use crate::event::Hint;
use crate::sentry::Bell;
use std::sync::mpsc::{self, Receiver, Sender};

#[derive(Clone, Debug)]
pub(crate) struct Letters {
    sender: Sender<Hint>,
    pub(crate) bell: Bell,
}

impl Letters {
    pub(crate) fn open() -> (Self, Receiver<Hint>) {
        let (sender, inbox) = mpsc::channel();
        (Self { sender, bell: Bell::default() }, inbox)
    }

    /// There is nobody to read it when the watching has ended.
    pub(crate) fn send(&self, hint: Hint) {
        // First the letter, then the bell: whoever is woken finds it.
        let _ = self.sender.send(hint);
        self.bell.ring();
    }
}
