//! The state of hotrun's answers in the place of a server.

use std::thread::JoinHandle;

use crate::outage::Outage;

#[derive(Debug, Default)]
pub(super) struct OutageState {
    /// Requests are answered with the reason, here or by the proxy.
    pub(super) is_on: bool,
    pub(super) outage: Option<Outage>,
    /// Threads of earlier outages, which answer the last requests.
    pub(super) ending: Vec<JoinHandle<()>>,
}

impl OutageState {
    /// Waits for the threads of earlier outages.
    pub(super) fn join(&mut self) {
        for thread in self.ending.drain(..) {
            let _ = thread.join();
        }
    }
}
