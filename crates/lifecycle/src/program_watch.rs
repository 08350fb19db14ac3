//! Upgrades the server when its program was replaced.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use filewatch::{Options, Watcher};

use crate::binary::Rules;
use crate::handle::Handle;
use crate::replacement::{Fingerprint, Replacement, replaced_by, replacement};
use crate::upgrade_error::UpgradeError;

/// Time after which the thread notices that the watch was switched off, that an upgrade is over, or that a writer is done.
const TICK: Duration = Duration::from_millis(250);

/// Watches the file of the server's program, and upgrades the server when another program is there. Cheap to clone.
///
/// A thread of its own does so while the watch is on. Only the content counts, so the same bytes start nothing. A program is tried
/// once: again only when it, its signature or the rules have changed.
#[derive(Clone)]
pub struct ProgramWatch {
    server: Handle,
    watching: Arc<Mutex<Option<Watching>>>,
}

/// A thread that watches the program. Dropping this ends it.
struct Watching {
    state: Arc<Mutex<State>>,
}

enum State {
    /// The edit that switches the watch on is not in force yet.
    Prepared,
    /// These programs may be started.
    On(Rules),
    Over,
}

/// A program that was tried, and the rules by which it was judged.
#[derive(PartialEq)]
struct Tried {
    program: Fingerprint,
    rules: Rules,
}

impl ProgramWatch {
    /// The watch of this server's program. It is off.
    pub fn new(server: Handle) -> ProgramWatch {
        ProgramWatch { server, watching: Arc::default() }
    }

    /// Makes everything ready for the watch to be on or off. The result puts that in force, and cannot fail.
    ///
    /// `rules` are those of the server: a program that they refused is tried again when they change.
    pub fn prepare(&self, on: bool, rules: Rules) -> io::Result<impl FnOnce() + Send + use<>> {
        let is_on = lock(&self.watching).is_some();
        let started = (on && !is_on).then(|| Watching::start(self.server.clone())).transpose()?;
        let watching = Arc::clone(&self.watching);
        Ok(move || {
            let mut watching = lock(&watching);
            if !on {
                *watching = None;
            } else if started.is_some() {
                *watching = started;
            }
            if let Some(watching) = &*watching {
                *lock(&watching.state) = State::On(rules);
            }
        })
    }
}

impl Watching {
    fn start(server: Handle) -> io::Result<Watching> {
        let paths = replaced_by()?;
        let state = Arc::new(Mutex::new(State::Prepared));
        let shared = Arc::clone(&state);
        thread::Builder::new().name("program-watch".into()).spawn(move || watch(&server, &paths, &shared))?;
        Ok(Watching { state })
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        *lock(&self.state) = State::Over;
    }
}

/// Upgrades the server whenever there is another program, until the watch is over.
fn watch(server: &Handle, paths: &[PathBuf; 2], state: &Mutex<State>) {
    let program = paths[0].display();
    let mut watcher = Watcher::open(Options::default(), paths, |_| true);
    let (mut changed, mut last_rules, mut tried) = (true, None, None);
    loop {
        changed |= !watcher.next(TICK).is_empty();
        let rules = match &*lock(state) {
            State::Prepared => continue,
            State::On(rules) => rules.clone(),
            State::Over => return,
        };
        changed |= last_rules.replace(rules.clone()).as_ref() != Some(&rules);
        if !changed || !server.may_upgrade() {
            continue;
        }
        changed = false;
        match replacement() {
            Ok(Replacement::None) => {
                tracing::debug!("the program at `{program}` is the one that runs");
                tried = None;
            }
            Ok(Replacement::Unfinished) => {
                tracing::debug!("the program at `{program}` is still being written");
                changed = true;
            }
            Ok(Replacement::Finished(found)) => {
                let found = Some(Tried { program: found, rules });
                if tried == found {
                    tracing::debug!("the program at `{program}` was tried already");
                    continue;
                }
                tracing::info!("the program at `{program}` was replaced");
                // The server logs the outcome.
                if !matches!(server.blocking_upgrade(), Err(UpgradeError::Unfinished(_))) {
                    tried = found;
                }
                changed = true;
            }
            Err(error) => tracing::warn!("cannot compare the program at `{program}` with this one: {error}"),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
