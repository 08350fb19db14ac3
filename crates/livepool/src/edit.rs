//! The decision about an edit of the settings.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use configs::{Commit, Rejection};
use tokio::time::{sleep, timeout};

use crate::connector::pauses;
use crate::generation::Generation;
use crate::live_pool::{MAX_DRAINING, Shared};
use crate::settings::Settings;

/// Time for the queries of the oldest pool when a third edit comes. Then the swap cuts it.
const LAST_QUERIES: Duration = Duration::from_secs(1);

impl Shared {
    /// Decides about an edit. Blocks for the time of an attempt to connect.
    pub(crate) fn prepare(self: &Arc<Self>, new: Settings) -> Result<Commit, Rejection> {
        self.forget();
        let shared = Arc::clone(self);
        let leak_after = new.leak_after;
        let current = self.current.load_full();
        if current.settings().same_pool(&new) {
            return Ok(Box::new(move || {
                shared.leak_after.send_replace(leak_after);
            }));
        }
        let next = Generation::new(current.number + 1, new.clone(), &self.options, &self.runtime);
        if self.was_asked.load(Ordering::Relaxed) {
            let runtime =
                self.runtime.handle().map_err(|error| Rejection::new(self.path, error.to_string()))?;
            if let Err(error) = runtime.block_on(next.try_out())
                && runtime.block_on(current.works())
            {
                let rejection = error.rejection(self.path, current.settings(), &new);
                self.try_again(new);
                return Err(rejection);
            }
            runtime.block_on(self.wait_for_room());
        }
        Ok(Box::new(move || {
            shared.leak_after.send_replace(leak_after);
            shared.swap(next);
        }))
    }

    /// Ends the background attempts: the settings that were rejected are no longer in the files.
    pub(crate) fn forget(&self) {
        self.edits.fetch_add(1, Ordering::Relaxed);
    }

    async fn wait_for_room(&self) {
        let mut draining = self.draining.subscribe();
        let _ = timeout(LAST_QUERIES, draining.wait_for(|draining| draining.len() < MAX_DRAINING)).await;
    }

    /// Tries rejected settings in the background until they work. Then the configuration is read again.
    fn try_again(self: &Arc<Self>, settings: Settings) {
        let Ok(runtime) = self.runtime.handle() else { return };
        let (shared, edit) = (Arc::downgrade(self), self.edits.load(Ordering::Relaxed));
        runtime.spawn(async move {
            for pause in pauses() {
                sleep(pause).await;
                let Some(shared) = shared.upgrade() else { return };
                if shared.edits.load(Ordering::Relaxed) != edit {
                    return;
                }
                let trial = Generation::new(0, settings.clone(), &shared.options, &shared.runtime);
                if trial.try_out().await.is_ok() {
                    return (shared.reload)();
                }
            }
        });
    }
}
