//! The end of a server: it gets no new connections, finishes its requests, and is told to stop.

use std::sync::Arc;

use intercept::Address;

use crate::drain::{Drain, Leaver};
use crate::plan::Plan;

use super::{Generation, ServerEvent};

impl Generation {
    /// Keeps new connections from it, and lets it run.
    pub(crate) fn keep(&mut self, plan: &Plan, tell: impl Fn(ServerEvent) + Send + 'static) {
        if self.drain.is_none() {
            self.drain =
                Some(Drain::keep(self.leaver(plan), move |progress| tell(ServerEvent::Leaving(progress))));
        }
    }

    /// Keeps new connections from it, waits for its requests, tells it to stop.
    pub(crate) fn leave(&mut self, plan: &Plan, tell: impl Fn(ServerEvent) + Send + 'static) {
        match &self.drain {
            Some(drain) => drain.leave(),
            None => {
                self.drain = Some(Drain::begin(self.leaver(plan), move |progress| {
                    tell(ServerEvent::Leaving(progress));
                }));
            }
        }
    }

    /// Tells it to stop at once.
    pub(crate) fn stop(&mut self, plan: &Plan, tell: impl Fn(ServerEvent) + Send + 'static) {
        match &self.drain {
            Some(drain) => drain.now(),
            None => {
                self.drain = Some(Drain::stop(self.leaver(plan), move |progress| {
                    tell(ServerEvent::Leaving(progress));
                }));
            }
        }
    }

    /// Has it serve again. `false` if it was told to stop already.
    pub(crate) fn call_back(&mut self) -> bool {
        let stays = self.drain.as_ref().is_none_or(Drain::call_back);
        if stays {
            self.drain = None;
        }
        stays
    }

    /// Kills it.
    pub(crate) fn kill(&self) {
        self.tree.signal(libc::SIGKILL, |_| true);
    }

    fn leaver(&self, plan: &Plan) -> Leaver {
        let mut addresses = self.addresses.clone();
        addresses.extend(self.port.map(Address::from));
        if addresses.is_empty() {
            addresses.extend(plan.sockets.addresses.iter().copied().map(Address::from));
        }
        Leaver {
            tree: self.tree,
            addresses,
            proxied: self.port.zip(self.under_way.clone()),
            drains_itself: self.drains_itself,
            interceptor: self.interceptor.clone(),
            told: Arc::clone(&self.told),
            stop: plan.stop.clone(),
        }
    }
}
