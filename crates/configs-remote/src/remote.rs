//! A source that is followed on a thread of its own.

use std::fmt::{Debug, Display, Formatter};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use configs::{Source, SourceError, SourceStatus, SourceText};
use tokio::sync::oneshot;

use crate::address::{Address, BadAddress};
use crate::client::Client;
use crate::follower::follow;
use crate::kept::Kept;
use crate::shared::Shared;

/// A URL or a part of etcd, followed on a thread of its own. Dropping it ends the thread.
pub struct Remote {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The choices for a source.
#[derive(Clone, Debug)]
pub struct Options {
    /// The longest pause between two questions. A watch or a long poll tells of a change sooner. 5 s if not said otherwise.
    pub poll: Duration,
    /// The folder for the copy of the last good text; `None` keeps no copy.
    pub keep: Option<PathBuf>,
    /// Upper bound on the time that [`Remote::open`] waits for the first answer. 5 s if not said otherwise.
    pub patience: Duration,
}

/// Why a source cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// The address.
    Address(BadAddress),
    /// The system refused a thread or a descriptor.
    System(io::Error),
}

impl Default for Options {
    fn default() -> Options {
        Options { poll: Duration::from_secs(5), keep: None, patience: Duration::from_secs(5) }
    }
}

impl Display for OpenError {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            OpenError::Address(error) => Display::fmt(error, out),
            OpenError::System(error) => write!(out, "the system refused what a source needs: {error}"),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<BadAddress> for OpenError {
    fn from(error: BadAddress) -> OpenError {
        OpenError::Address(error)
    }
}

impl Remote {
    /// Begins to follow the source at an address, and waits for its first answer. A source that does not answer is no error: its
    /// text is missing then, or it is the copy on disk.
    pub fn open(address: &str, options: &Options) -> Result<Arc<Remote>, OpenError> {
        let address = Address::parse(address)?;
        let kept = options.keep.as_deref().map(|folder| Kept::new(folder, &address.name));
        let shared = Arc::new(Shared::new(address.name.clone(), kept));
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(OpenError::System)?;
        let (stop, stopped) = oneshot::channel();
        let client = Client::new(address, options.poll);
        let told = Arc::clone(&shared);
        let work = move || {
            runtime.block_on(async {
                tokio::select! {
                    () = follow(client, Arc::clone(&told)) => {}
                    () = told.keep() => {}
                    _ = stopped => {}
                }
            });
            told.keep_now();
            // The look-up of a name that hangs is not waited for.
            runtime.shutdown_background();
        };
        let thread =
            thread::Builder::new().name("source".to_owned()).spawn(work).map_err(OpenError::System)?;
        shared.wait_for_first(options.patience);
        Ok(Arc::new(Remote { shared, stop: Some(stop), thread: Some(thread) }))
    }
}

impl Source for Remote {
    fn latest(&self) -> Result<SourceText, SourceError> {
        self.shared.latest()
    }

    fn last_good(&self) -> Option<SourceText> {
        self.shared.last_good()
    }

    fn on_change(&self, changed: Box<dyn Fn() + Send + Sync>) {
        self.shared.on_change(changed);
    }

    fn accepted(&self, text: &SourceText) {
        self.shared.accepted(text);
    }

    fn refresh(&self) {
        self.shared.refresh();
    }

    fn status(&self) -> SourceStatus {
        self.shared.status()
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It runs no code that panics.
            let _ = thread.join();
        }
    }
}

impl Debug for Remote {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Remote").field("status", &self.status()).finish_non_exhaustive()
    }
}
