//! A pool that follows its settings.

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use configs::{Configs, Configurable, Event, Outcome};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::connection::Connection;
use crate::error::Error;
use crate::generation::Generation;
use crate::runtime::LazyRuntime;
use crate::settings::{Options, Settings};
use crate::stats::{State, Stats};

/// The longest pause between two searches for leaks.
const SEARCH: Duration = Duration::from_secs(1);

/// Upper bound on the old pools that are drained at once. One more, and the oldest is cut.
pub(crate) const MAX_DRAINING: usize = 2;

/// A pool that follows its settings. Cheap to clone. It connects when it is asked first.
#[derive(Clone)]
pub struct LivePool {
    shared: Arc<Shared>,
}

/// The state that the handles share with the background and with the callbacks of the configuration.
pub(crate) struct Shared {
    pub(crate) path: &'static str,
    pub(crate) options: Options,
    pub(crate) runtime: Arc<LazyRuntime>,
    /// Has the configuration read again.
    pub(crate) reload: Box<dyn Fn() + Send + Sync>,
    pub(crate) current: ArcSwap<Generation>,
    pub(crate) was_asked: AtomicBool,
    /// Counts the edits. A background attempt with settings of an earlier one ends.
    pub(crate) edits: AtomicU64,
    pub(crate) leak_after: watch::Sender<Duration>,
    /// The old pools.
    pub(crate) draining: watch::Sender<Vec<Arc<Generation>>>,
    drained: AtomicU64,
    cut: AtomicU64,
    leaks: AtomicU64,
    in_use_peak: AtomicUsize,
}

impl LivePool {
    /// A pool for the settings that `settings` reads from the configuration in force. `path` is their dotted path, for
    /// diagnoses. An edit with which no connection can be made is rejected.
    pub fn follow<T: Configurable, D: Send + Sync + 'static>(
        configs: &Configs<T, D>,
        path: &'static str,
        options: Options,
        settings: impl Fn(&T) -> Settings + Send + 'static,
    ) -> LivePool {
        let runtime = Arc::new(LazyRuntime::default());
        let first = settings(&configs.load());
        let leak_after = watch::Sender::new(first.leak_after);
        let current = Generation::new(1, first, &options, &runtime);
        current.connector.put_in_force();
        let handle = configs.reload_handle();
        let shared = Arc::new(Shared {
            path,
            options,
            runtime,
            reload: Box::new(move || handle.reload()),
            current: ArcSwap::new(current),
            was_asked: AtomicBool::new(false),
            edits: AtomicU64::new(0),
            leak_after,
            draining: watch::Sender::default(),
            drained: AtomicU64::new(0),
            cut: AtomicU64::new(0),
            leaks: AtomicU64::new(0),
            in_use_peak: AtomicUsize::new(0),
        });
        let (edited, decided) = (Arc::clone(&shared), Arc::clone(&shared));
        configs.on_prepare(move |_, new| edited.prepare(settings(new)));
        configs.on_event(move |event| {
            if matches!(event, Event::Attempt(attempt) if attempt.outcome != Outcome::Rejected) {
                decided.forget();
            }
        });
        LivePool { shared }
    }

    /// Takes a connection. Waits while all are in use, and goes on in the new pool when the settings change meanwhile. A leak
    /// is logged with the place of this call.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses the role, or when all connections are in use for too long.
    #[track_caller]
    pub fn get(&self) -> impl Future<Output = Result<Connection, Error>> + Send + use<> {
        self.get_for(&Location::caller().to_string())
    }

    /// As [`get`](LivePool::get), for code that is called from one place, such as an extractor: a leak is logged with `name`.
    pub fn get_for(&self, name: &str) -> impl Future<Output = Result<Connection, Error>> + Send + use<> {
        let (shared, place) = (Arc::clone(&self.shared), name.to_owned());
        async move { shared.take(&place).await }
    }

    /// The figures of the pool.
    pub fn stats(&self) -> Stats {
        let current = self.shared.current.load();
        let (in_use, idle) = current.counts();
        let state = match current.connector.failure() {
            _ if !self.shared.was_asked.load(Ordering::Relaxed) => State::Unused,
            None => State::Connected,
            Some(_) => State::Away,
        };
        Stats {
            state,
            generation: current.number,
            in_use,
            in_use_peak: self.shared.in_use_peak.load(Ordering::Relaxed),
            idle,
            draining: self.shared.draining.borrow().len(),
            drained: self.shared.drained.load(Ordering::Relaxed),
            cut: self.shared.cut.load(Ordering::Relaxed),
            leaks: self.shared.leaks.load(Ordering::Relaxed),
        }
    }
}

impl Shared {
    async fn take(self: &Arc<Self>, place: &str) -> Result<Connection, Error> {
        if !self.was_asked.swap(true, Ordering::Relaxed) {
            self.search_for_leaks()?;
        }
        loop {
            let current = self.current.load_full();
            if let Some(taken) = current.take(place).await {
                self.in_use_peak.fetch_max(current.in_use(), Ordering::Relaxed);
                return taken.inspect_err(|error| tracing::debug!("no connection for {place}: {error}"));
            }
        }
    }

    /// Makes `new` the current pool and drains the old one.
    pub(crate) fn swap(self: &Arc<Self>, new: Arc<Generation>) {
        new.connector.put_in_force();
        let old = self.current.swap(new);
        // Only now: the tasks that the old pool sends away have to find the new one.
        old.replace();
        let Ok(runtime) = self.runtime.handle() else { return };
        self.draining.send_modify(|draining| {
            draining.push(Arc::clone(&old));
            draining.iter().rev().skip(MAX_DRAINING).for_each(|oldest| oldest.end_drain());
        });
        let shared = Arc::clone(self);
        runtime.spawn(async move {
            let counter =
                if old.drain(shared.options.drain_deadline).await { &shared.drained } else { &shared.cut };
            counter.fetch_add(1, Ordering::Relaxed);
            shared.draining.send_modify(|draining| draining.retain(|other| other.number != old.number));
        });
    }

    /// Searches again and again in the background, as long as the pool is there.
    fn search_for_leaks(self: &Arc<Self>) -> Result<(), Error> {
        let shared = Arc::downgrade(self);
        self.runtime.handle()?.spawn(async move {
            while let Some(shared) = shared.upgrade() {
                let limit = *shared.leak_after.borrow();
                let mut found = shared.current.load().find_leaks(limit);
                found += shared.draining.borrow().iter().map(|old| old.find_leaks(limit)).sum::<u64>();
                shared.leaks.fetch_add(found, Ordering::Relaxed);
                drop(shared);
                sleep(SEARCH.min(limit / 4).max(Duration::from_millis(10))).await;
            }
        });
        Ok(())
    }
}
