//! A plugin that follows its file.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use filewatch::{Degraded, Files, Live, Notice};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::version::Version;
use crate::{elf, library, memory_file, trial};

/// Upper bound on the size of a plugin, in bytes.
const MAX_SIZE: u64 = 256 << 20;

/// The versions that this process has loaded. A version that comes back is not loaded again.
static VERSIONS: Mutex<Vec<Arc<Version>>> = Mutex::new(Vec::new());

/// A plugin that follows its file. Cheap to clone. Dropping the last handle ends the watching.
#[derive(Clone)]
pub struct Plugin {
    live: Live<Arc<Version>>,
}

/// The options of a plugin.
#[derive(Clone, Debug)]
pub struct Options {
    /// The SHA-256 of the only file that is taken, in 64 hexadecimal digits. Default: none.
    pub sha256: Option<String>,
    /// Time for the trial in the child process, and again for loading and testing in this one. Default: 5 s.
    pub timeout: Duration,
}

/// An event in the life of a plugin.
#[derive(Clone, Debug)]
pub enum Event {
    /// Another version is in force.
    Swapped(Arc<Version>),
    /// The file is again that of the version in force.
    Unchanged,
    /// The file is not taken. The version in force stays.
    Rejected(Error),
    /// Changes may be noticed late from now on.
    Degraded(Degraded),
    /// This is over.
    Recovered(Degraded),
}

impl Default for Options {
    fn default() -> Self {
        Self { sha256: None, timeout: Duration::from_secs(5) }
    }
}

impl Plugin {
    /// Loads the plugin at `path` and follows the file. Each new content is tried in a child process, loaded and tested before it
    /// is in force. `on_event` is called on the watching thread.
    ///
    /// # Errors
    /// When the file is not taken, or `main` does not call [`init`](crate::init).
    pub fn follow(
        path: impl Into<PathBuf>,
        options: Options,
        mut on_event: impl FnMut(Event) + Send + 'static,
    ) -> Result<Plugin, Error> {
        if !trial::INITIALIZED.load(Ordering::Relaxed) {
            return Err(Error::NotInitialized);
        }
        let path = path.into();
        let build = move |files: &mut Files<'_>, current: Option<&Arc<Arc<Version>>>| {
            let bytes = files.read(&path, MAX_SIZE)?;
            let sha256 = verified(&path, &bytes, options.sha256.as_deref())?;
            if current.is_some_and(|current| current.sha256 == sha256) {
                return Ok(None);
            }
            let version = version(&bytes, sha256, options.timeout);
            version.map(Some).map_err(|reason| Error::Unfit { path: path.clone(), reason })
        };
        let notice = move |notice: Notice<'_, Arc<Version>, Error>| {
            on_event(match notice {
                Notice::Published { new, .. } => Event::Swapped(Arc::clone(new)),
                Notice::Unchanged { .. } => Event::Unchanged,
                Notice::Rejected { error, .. } => Event::Rejected(error),
                Notice::Degraded(how) => Event::Degraded(how),
                Notice::Recovered(how) => Event::Recovered(how),
            });
        };
        Ok(Plugin { live: Live::open(filewatch::Options::default(), build, notice)? })
    }

    /// The version in force. Take it once for each request.
    pub fn snapshot(&self) -> Arc<Version> {
        Arc::clone(&self.live.load())
    }

    /// A handle that does not keep the watching alive. The last of the others waits for the watching thread when it is dropped, a
    /// reader never does.
    #[must_use]
    pub fn reader(&self) -> Plugin {
        Plugin { live: self.live.reader() }
    }

    /// Why changes may be noticed late now. Empty when they are not.
    pub fn degraded(&self) -> Vec<Degraded> {
        self.live.degraded()
    }
}

/// The digest of a file, if it is the expected one.
fn verified(path: &Path, bytes: &[u8], expected: Option<&str>) -> Result<String, Error> {
    let found = Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    match expected {
        Some(expected) if !found.eq_ignore_ascii_case(expected) => {
            Err(Error::Digest { path: path.to_owned(), found, expected: expected.to_owned() })
        }
        _ => Ok(found),
    }
}

/// The version with these bytes: one that is loaded, or a new one. Says why there is none, as the rest of a sentence.
fn version(bytes: &[u8], sha256: String, limit: Duration) -> Result<Arc<Version>, String> {
    let versions = || VERSIONS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(version) = versions().iter().find(|version| version.sha256 == sha256) {
        return Ok(Arc::clone(version));
    }
    elf::check(bytes)?;
    let copy = memory_file::memory_file("plugin", bytes)
        .map_err(|error| format!("cannot be copied to memory: {error}"))?;
    trial::run(&copy, limit)?;
    let (sender, loaded) = mpsc::sync_channel(1);
    let load = move || {
        let loaded = library::load(&copy, sha256).and_then(|version| version.self_test().map(|()| version));
        let _ = sender.send(loaded);
    };
    thread::Builder::new()
        .name("plugin".to_owned())
        .spawn(load)
        .map_err(|error| format!("cannot be loaded without a thread: {error}"))?;
    let late = |_| {
        let limit = limit.as_secs_f64();
        format!(
            "passed its trial, but did not load in this process within {limit} s; its thread is left behind"
        )
    };
    let version = loaded.recv_timeout(limit).map_err(late)??;
    let version = Arc::new(version);
    versions().push(Arc::clone(&version));
    Ok(version)
}
