//! `--json`: writes the events of this run to stdout.

use std::io;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use crate::journal::{self, Journal};
use crate::report::Report;

/// Upper bound on the wait at the end for a reader that does not read.
const PATIENCE: Duration = Duration::from_secs(5);

/// A thread that writes events. A reader that is slow does not make hotrun wait.
#[derive(Debug)]
pub(crate) struct EventWriter(Receiver<()>);

impl EventWriter {
    /// Writes the events so far and those to come. `closed` is called if stdout is closed.
    pub(super) fn start(journal: &mut Journal, closed: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let (sender, lines) = mpsc::sync_channel::<String>(journal::QUEUE);
        journal.send(sender, None, false, true);
        let (works, ended) = mpsc::channel();
        thread::Builder::new().name("events".to_owned()).spawn(move || {
            // Dropped at the end. Nothing is sent.
            let _works = works;
            if !lines.into_iter().all(|line| Report::say(&line)) {
                closed();
            }
        })?;
        Ok(Self(ended))
    }

    /// Waits until everything is written. The journal is closed.
    pub(crate) fn finish(self) {
        // Ends with an error: nothing is sent.
        let _ = self.0.recv_timeout(PATIENCE);
    }
}
