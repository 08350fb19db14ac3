//! Tests that wait until nothing is pending.

use std::sync::mpsc::Sender;

#[derive(Default)]
pub(crate) struct Waiters {
    waiting: Vec<Sender<()>>,
    /// This many of the first ones can be answered.
    settled: usize,
}

impl Waiters {
    #[cfg(feature = "testing")]
    pub(crate) fn add(&mut self, waiter: Sender<()>) {
        self.waiting.push(waiter);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Since the first `count` asked, everything was looked at, and nothing is pending.
    pub(crate) fn settled(&mut self, count: usize) {
        self.settled = count;
    }

    /// Answers those for whom everything is settled.
    pub(crate) fn answer(&mut self) {
        for waiter in self.waiting.drain(..std::mem::take(&mut self.settled)) {
            // It fails if the waiter is gone.
            let _ = waiter.send(());
        }
    }
}
