//! Upgrades the server when its program was replaced: `upgrade.watch`.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use filewatch::{Options, Watcher};
use lifecycle::{Fingerprint, Handle, Replacement, Rules, UpgradeError};
use site::AppConfig;

/// Time after which the thread notices that the watch was switched off, that an upgrade is over, or that a writer is done.
const TICK: Duration = Duration::from_millis(250);

/// Watches the server's program while the configuration says so. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ProgramWatch {
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
    pub(crate) fn of(server: Handle) -> ProgramWatch {
        ProgramWatch { server, watching: Arc::default() }
    }

    /// Makes everything ready that this configuration needs. The result puts it in force, and cannot fail.
    pub(crate) fn prepare(&self, config: &AppConfig) -> io::Result<impl FnOnce() + Send + use<>> {
        let (on, rules) = (config.upgrade.watch, crate::serve::rules(config));
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
        let paths = lifecycle::replaced_by()?;
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

/// Upgrades the server whenever there is another program, until the watch is over. A program is tried once: again only when it,
/// its signature or the rules have changed.
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
        match lifecycle::replacement() {
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
