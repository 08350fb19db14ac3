//! A folder of templates, followed while it is edited.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::Guard;
use filewatch::{Degraded, Live, Notice, Options, RebuildLock, ReloadHandle};

use crate::compiler::{Compiler, InForce};
use crate::error::Error;
use crate::event::{Event, Listeners};
use crate::templates::Templates;

/// The templates `**/*.html` of a folder, followed while they are edited.
///
/// Cheap to clone; dropping the last clone ends the watching.
#[derive(Clone)]
pub struct Views {
    live: Live<Templates>,
    listeners: Listeners,
}

impl Views {
    /// Compiles the templates of `dir`, tries them, and follows the folder from then on.
    ///
    /// `trial` judges every set before it goes live, the first one too: render the page with the settings in force, since
    /// a variable that does not exist shows only then. It runs on the watching thread while `lock` is held (not
    /// at the first set), so no other value that shares the lock changes meanwhile.
    pub fn open(
        dir: impl Into<PathBuf>,
        lock: &RebuildLock,
        trial: impl Fn(&Templates) -> Result<(), Error> + Send + 'static,
    ) -> Result<Views, Error> {
        let in_force = InForce::default();
        let mut compiler = Compiler::new(dir.into(), trial, in_force.clone());
        let clock = Clock::default();
        let started = clock.clone();
        let listeners = Listeners::default();
        let (audience, published) = (listeners.clone(), in_force.clone());
        let live = Live::open(
            Options::default().rebuild_lock(lock),
            move |files, _| {
                started.start();
                compiler.compile(files)
            },
            move |notice| {
                if let Notice::Published { new, .. } = &notice {
                    published.set(new);
                }
                audience.tell(&event(notice, clock.elapsed()));
            },
        )?;
        in_force.begin(&live.load());
        Ok(Views { live, listeners })
    }

    /// The set in force, for plain code: do not keep it across an await.
    pub fn load(&self) -> Guard<Arc<Templates>> {
        self.live.load()
    }

    /// The set in force, to keep: take one for a request.
    pub fn snapshot(&self) -> Arc<Templates> {
        self.live.snapshot()
    }

    /// Has every event told to `listener`, on the watching thread, in the order in which they happen; and now, in here, what is
    /// degraded already.
    ///
    /// The next set waits for it, so it should be brief; it must not hold a clone of these views, which would keep
    /// them alive for ever, nor add a listener. One that panics harms nobody.
    pub fn on_event(&self, listener: impl FnMut(&Event) + Send + 'static) {
        self.listeners.add(listener);
    }

    /// Asks for the folder to be read and judged now, even if no byte differs; returns at once.
    pub fn reload(&self) {
        self.live.reload();
    }

    /// A handle that asks for the folder to be read and judged, and does not keep the watching alive.
    pub fn reload_handle(&self) -> ReloadHandle {
        self.live.reload_handle()
    }

    /// Why changes are noticed later than usual; empty when they are not.
    pub fn degraded(&self) -> Vec<Degraded> {
        self.live.degraded()
    }
}

/// When the attempt that is under way began.
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
