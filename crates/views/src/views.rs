//! A folder of templates that may be edited.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::Guard;
use filewatch::{Degraded, Live, Notice, Options, RebuildLock, ReloadHandle};

use crate::compiler::Compiler;
use crate::error::Error;
use crate::event::{Event, Listeners};
use crate::templates::Templates;

/// The templates `**/*.html` of a folder, compiled again when they are edited.
///
/// A clone is cheap. Dropping the last one ends the watching.
#[derive(Clone)]
pub struct Views {
    live: Live<Templates>,
    listeners: Listeners,
}

impl Views {
    /// Compiles the templates of `dir`, tries them, and watches the folder from then on.
    ///
    /// `trial` accepts or refuses every set before it is in force, the first one too. It should render the page with the
    /// settings in force: an unknown variable is found only then. It runs on the watching thread while `lock` is held, so no
    /// other value that shares the lock changes meanwhile. For the first set it runs on the caller's thread, without the lock.
    pub fn open(
        dir: impl Into<PathBuf>,
        lock: &RebuildLock,
        trial: impl Fn(&Templates) -> Result<(), Error> + Send + 'static,
    ) -> Result<Views, Error> {
        let mut compiler = Compiler::new(dir.into(), trial);
        let clock = Clock::default();
        let started = clock.clone();
        let listeners = Listeners::default();
        let audience = listeners.clone();
        let live = Live::open(
            Options::default().rebuild_lock(lock),
            move |files, current| {
                started.start();
                compiler.compile(files, current.map(|current| &**current))
            },
            move |notice| audience.tell(&event(notice, clock.elapsed())),
        )?;
        Ok(Views { live, listeners })
    }

    /// The set in force, borrowed. Do not hold it across an `.await`.
    pub fn load(&self) -> Guard<Arc<Templates>> {
        self.live.load()
    }

    /// The set in force, owned. Take one for each request.
    pub fn snapshot(&self) -> Arc<Templates> {
        self.live.snapshot()
    }

    /// Calls `listener` with every event, in order, on the watching thread. Before it returns, it calls it with what is degraded
    /// already.
    ///
    /// The next set waits for the listener, so it should be brief. It must not hold a clone of these views, which would keep them
    /// alive for ever, and must not add a listener. A panic in it is caught.
    pub fn on_event(&self, listener: impl FnMut(&Event) + Send + 'static) {
        self.listeners.add(listener);
    }

    /// Requests that the folder is read and tried, even if no byte differs. Returns at once.
    pub fn reload(&self) {
        self.live.reload();
    }

    /// A handle that requests the same and does not keep the watching alive.
    pub fn reload_handle(&self) -> ReloadHandle {
        self.live.reload_handle()
    }

    /// Why changes may be noticed late. Empty when they are not.
    pub fn degraded(&self) -> Vec<Degraded> {
        self.live.degraded()
    }
}

/// The beginning of the current attempt.
#[derive(Clone)]
struct Clock(Arc<Mutex<Instant>>);

impl Default for Clock {
    fn default() -> Clock {
        Clock(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Clock {
    fn start(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn elapsed(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

fn event(notice: Notice<'_, Templates, Error>, took: Duration) -> Event {
    match notice {
        Notice::Published { old, new, .. } => {
            Event::Published { changed: old.sources().changed(new.sources()), took }
        }
        Notice::Unchanged { .. } => Event::Unchanged { took },
        Notice::Rejected { error, .. } => Event::Rejected { error, took },
        Notice::Degraded(reason) => Event::Degraded(reason),
        Notice::Recovered(reason) => Event::Recovered(reason),
    }
}
