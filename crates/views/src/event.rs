//! Events of the templates.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use filewatch::Degraded;

use crate::error::Error;

/// An event of the templates. It is reported after the swap, if there is one.
#[derive(Debug, Clone)]
pub enum Event {
    /// A new set is in force.
    Published {
        /// The names of the templates that were added, removed or edited, in order.
        changed: Vec<String>,
        /// From the first read to the swap.
        took: Duration,
    },
    /// The files hold what is in force already. An earlier error is corrected.
    Unchanged {
        /// From the first read to the decision.
        took: Duration,
    },
    /// The files hold no set that can be put in force. The last good one stays.
    Rejected {
        /// The reason, with its place.
        error: Error,
        /// From the first read to the decision.
        took: Duration,
    },
    /// Changes may be noticed late from now on.
    Degraded(Degraded),
    /// Changes are noticed at once again.
    Recovered(Degraded),
}

type Listener = Box<dyn FnMut(&Event) + Send>;

/// Everyone who gets the events.
#[derive(Clone, Default)]
pub(crate) struct Listeners(Arc<Mutex<Audience>>);

#[derive(Default)]
struct Audience {
    listeners: Vec<Listener>,
    /// The reported states that are not over.
    degraded: BTreeSet<Degraded>,
}

impl Listeners {
    /// Reports to the new listener what is degraded already.
    pub(crate) fn add(&self, listener: impl FnMut(&Event) + Send + 'static) {
        let mut audience = self.audience();
        let mut listener: Listener = Box::new(listener);
        for reason in &audience.degraded {
            tell(&mut listener, &Event::Degraded(*reason));
        }
        audience.listeners.push(listener);
    }

    /// Reports to all listeners, in the order in which they were added. A panic of one does not affect the others.
    pub(crate) fn tell(&self, event: &Event) {
        let mut audience = self.audience();
        match event {
            Event::Degraded(reason) => {
                audience.degraded.insert(*reason);
            }
            Event::Recovered(reason) => {
                audience.degraded.remove(reason);
            }
            Event::Published { .. } | Event::Unchanged { .. } | Event::Rejected { .. } => {}
        }
        for listener in &mut audience.listeners {
            tell(listener, event);
        }
    }

    fn audience(&self) -> MutexGuard<'_, Audience> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(listener: &mut Listener, event: &Event) {
    // The panic hook has reported it already.
    let _ = catch_unwind(AssertUnwindSafe(|| listener(event)));
}
