//! The decision about an edit of the settings.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use configs::{Commit, Rejection};

use crate::backoff::Backoff;
use crate::generation::Generation;
use crate::live_pool::Shared;
use crate::settings::Settings;

/// Upper bound on the old pools that are drained at once.
const MAX_DRAINING: usize = 2;

/// Tries new settings before they are put in force.
pub(crate) struct Successor {
    shared: Arc<Shared>,
    path: &'static str,
    /// Has the configuration read again.
    reload: Arc<dyn Fn() + Send + Sync>,
    /// Counts the decisions. A background attempt with settings of an earlier one ends.
    decisions: Arc<AtomicU64>,
}

impl Successor {
    pub(crate) fn new(
        shared: Arc<Shared>,
        path: &'static str,
        reload: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self { shared, path, reload: Arc::new(reload), decisions: Arc::default() }
    }

    /// Ends the background attempts: the settings that were rejected are no longer in the files.
    pub(crate) fn forget(&self) {
        self.decisions.fetch_add(1, Ordering::Relaxed);
    }

    /// Decides about an edit. Blocks while two old pools are drained, and for the time of an attempt to connect.
    pub(crate) fn prepare(&self, new: Settings) -> Result<Commit, Rejection> {
        self.forget();
        let shared = Arc::clone(&self.shared);
        let leak_after = new.leak_after;
        let current = shared.current.load_full();
        if current.settings().same_pool(&new) {
            return Ok(Box::new(move || shared.set_leak_after(leak_after)));
        }
        let next = Generation::new(current.number + 1, new.clone(), &shared.options, &shared.runtime);
        if shared.was_asked.load(Ordering::Relaxed) {
            while shared.draining().len() >= MAX_DRAINING {
                thread::sleep(Duration::from_millis(2));
            }
            let runtime =
                shared.runtime.handle().map_err(|error| Rejection::new(self.path, error.to_string()))?;
            if let Err(error) = runtime.block_on(next.try_out())
                && runtime.block_on(current.works())
            {
                let rejection = error.rejection(self.path, current.settings(), &new);
                self.try_again(new);
                return Err(rejection);
            }
        }
        Ok(Box::new(move || {
            shared.set_leak_after(leak_after);
            shared.swap(next);
        }))
    }

    /// Tries rejected settings in the background until they work. Then the configuration is read again.
    fn try_again(&self, settings: Settings) {
        let Ok(runtime) = self.shared.runtime.handle() else { return };
        let (decisions, decision) = (Arc::clone(&self.decisions), self.decisions.load(Ordering::Relaxed));
        let (reload, options) = (Arc::clone(&self.reload), self.shared.options.clone());
        let lazy = Arc::downgrade(&self.shared.runtime);
        runtime.spawn(async move {
            let mut backoff = Backoff::new();
            loop {
                backoff.pause().await;
                let Some(lazy) = lazy.upgrade() else { return };
                if decisions.load(Ordering::Relaxed) != decision {
                    return;
                }
                let trial = Generation::new(0, settings.clone(), &options, &lazy);
                if trial.try_out().await.is_ok() {
                    return reload();
                }
            }
        });
    }
}
