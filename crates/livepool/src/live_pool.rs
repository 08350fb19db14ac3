//! A pool that follows its settings.

use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use configs::{Commit, Configs, Configurable, Event, Outcome, Rejection, ReloadHandle};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::connection::Connection;
use crate::connector::Phase;
use crate::error::Error;
use crate::generation::Generation;
use crate::runtime::runtime;
use crate::settings::Settings;
use crate::stats::{State, Stats};

/// The longest pause between two searches for leaks.
const SEARCH: Duration = Duration::from_secs(1);

/// Upper bound on the old pools that are drained at once. One more, and the oldest is cut.
const MAX_DRAINING: usize = 2;

/// Time for the queries of the oldest pool when a third edit comes. Then the swap cuts it.
const LAST_QUERIES: Duration = Duration::from_secs(1);

/// A pool that follows its settings. Cheap to clone. It connects when it is asked first.
#[derive(Clone)]
pub struct LivePool {
    shared: Arc<Shared>,
}

/// The state that the handles share with the background and with the callbacks of the configuration.
struct Shared {
    path: &'static str,
    drain_deadline: Duration,
    reload: ReloadHandle,
    current: ArcSwap<Generation>,
    /// The pool of an edit that was rejected. It is tried again in the background.
    rejected: ArcSwapOption<Generation>,
    was_asked: AtomicBool,
    leak_after: watch::Sender<Duration>,
    /// The old pools.
    draining: watch::Sender<Vec<Arc<Generation>>>,
    /// The figures that only grow.
    counted: watch::Sender<Stats>,
}

impl LivePool {
    /// A pool for the settings that `settings` reads from the configuration in force. `path` is their dotted path, for
    /// diagnoses. An edit with which no connection can be made is rejected. The queries of an old pool have time until
    /// `drain_deadline`; then they are cancelled.
    pub fn follow<T: Configurable, D: Send + Sync + 'static>(
        configs: &Configs<T, D>,
        path: &'static str,
        drain_deadline: Duration,
        settings: impl Fn(&T) -> Settings + Send + 'static,
    ) -> LivePool {
        let (first, reload) = (settings(&configs.load()), configs.reload_handle());
        let leak_after = watch::Sender::new(first.leak_after);
        let current = Generation::new(1, first, &reload);
        current.put_in_force();
        let shared = Arc::new(Shared {
            path,
            drain_deadline,
            reload,
            current: ArcSwap::new(current),
            rejected: ArcSwapOption::empty(),
            was_asked: AtomicBool::new(false),
            leak_after,
            draining: watch::Sender::default(),
            counted: watch::Sender::default(),
        });
        let (edited, decided) = (Arc::clone(&shared), Arc::clone(&shared));
        configs.on_prepare(move |_, new| edited.prepare(settings(new)));
        configs.on_event(move |event| {
            if matches!(event, Event::Attempt(attempt) if attempt.outcome != Outcome::Rejected) {
                decided.rejected.store(None);
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
        let state = match &*current.pool.manager().failure.borrow() {
            _ if !self.shared.was_asked.load(Ordering::Relaxed) => State::Unused,
            None => State::Connected,
            Some(_) => State::Away,
        };
        let draining = self.shared.draining.borrow().len();
        let counted = self.shared.counted.borrow().clone();
        Stats { state, generation: current.number, in_use, idle, draining, ..counted }
    }
}

impl Shared {
    async fn take(self: &Arc<Self>, place: &str) -> Result<Connection, Error> {
        if !self.was_asked.swap(true, Ordering::Relaxed) {
            runtime()?.spawn(search_for_leaks(Arc::downgrade(self)));
        }
        loop {
            let current = self.current.load_full();
            if let Some(taken) = current.take(place).await {
                let in_use = current.counts().0;
                self.counted.send_modify(|counted| counted.in_use_peak = counted.in_use_peak.max(in_use));
                return taken.inspect_err(|error| tracing::debug!("no connection for {place}: {error}"));
            }
        }
    }

    /// Decides about an edit. Blocks for the time of an attempt to connect.
    fn prepare(self: &Arc<Self>, new: Settings) -> Result<Commit, Rejection> {
        self.rejected.store(None);
        let (shared, leak_after) = (Arc::clone(self), new.leak_after);
        let current = self.current.load_full();
        let old = &current.pool.manager().settings;
        // `leak_after` takes effect without a new pool.
        let is_same = (&old.config, old.pool_size) == (&new.config, new.pool_size);
        let next = if is_same { None } else { Some(self.next(&current, new)?) };
        Ok(Box::new(move || {
            shared.leak_after.send_replace(leak_after);
            if let Some(next) = next {
                shared.swap(next);
            }
        }))
    }

    /// A pool with new settings. They were tried, unless no task has asked for a connection yet.
    fn next(&self, current: &Arc<Generation>, new: Settings) -> Result<Arc<Generation>, Rejection> {
        let next = Generation::new(current.number + 1, new, &self.reload);
        if !self.was_asked.load(Ordering::Relaxed) {
            return Ok(next);
        }
        let runtime = runtime().map_err(|error| Rejection::new(self.path, error.to_string()))?;
        let works = async || current.counts().0 > 0 || current.try_out().await.is_ok();
        if let Err(error) = runtime.block_on(next.try_out())
            && runtime.block_on(works())
        {
            let (old, new) = (&current.pool.manager().settings, &next.pool.manager().settings);
            let rejection = error.rejection(self.path, &old.config, &new.config);
            next.reconnect();
            self.rejected.store(Some(next));
            return Err(rejection);
        }
        runtime.block_on(async {
            let mut draining = self.draining.subscribe();
            let room = draining.wait_for(|draining| draining.len() < MAX_DRAINING);
            let _ = timeout(LAST_QUERIES, room).await;
        });
        Ok(next)
    }

    /// Makes `new` the current pool and drains the old one.
    fn swap(self: &Arc<Self>, new: Arc<Generation>) {
        new.put_in_force();
        let old = self.current.swap(new);
        // Only now: the tasks that the old pool sends away have to find the new one.
        old.replace();
        let Ok(runtime) = runtime() else { return };
        self.draining.send_modify(|draining| {
            draining.push(Arc::clone(&old));
            for oldest in draining.iter().rev().skip(MAX_DRAINING).filter(|old| old.phase() != Phase::Cut) {
                oldest.cut("before the deadline, since two newer pools are drained");
            }
        });
        let shared = Arc::clone(self);
        runtime.spawn(async move {
            let is_clean = old.drain(shared.drain_deadline).await;
            let ended = |stats: &mut Stats| if is_clean { stats.drained += 1 } else { stats.cut += 1 };
            shared.counted.send_modify(ended);
            shared.draining.send_modify(|draining| draining.retain(|other| other.number != old.number));
        });
    }
}

/// Searches again and again, as long as the pool is there.
async fn search_for_leaks(shared: Weak<Shared>) {
    while let Some(shared) = shared.upgrade() {
        let limit = *shared.leak_after.borrow();
        let old: u64 = shared.draining.borrow().iter().map(|old| old.find_leaks(limit)).sum();
        let found = old + shared.current.load().find_leaks(limit);
        shared.counted.send_modify(|counted| counted.leaks += found);
        drop(shared);
        sleep(SEARCH.min(limit / 4).max(Duration::from_millis(10))).await;
    }
}
