//! What happened to the templates.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use filewatch::Degraded;

use crate::error::Error;

/// What happened to the templates, told after it was decided: after the swap, where there was one.
#[derive(Debug, Clone)]
pub enum Event {
    /// A new set is in force.
    Published {
        /// The names of the templates that were added, removed or edited, in order.
        changed: Vec<String>,
        /// From the first read to the swap.
        took: Duration,
    },
    /// The files were looked at and hold what is in force already; a problem told before is mended.
    Unchanged {
        /// From the first read to the decision.
        took: Duration,
    },
    /// The files hold no set that could be put in force. The last good one stays.
    Rejected {
        /// What is wrong, and where.
        error: Error,
        /// From the first read to the decision.
        took: Duration,
    },
    /// Changes are noticed later than usual from now on.
    Degraded(Degraded),
    /// Changes are noticed at once again.
    Recovered(Degraded),
}

type Listener = Box<dyn FnMut(&Event) + Send>;

/// Everyone who wants to hear of events.
#[derive(Clone, Default)]
pub(crate) struct Listeners(Arc<Mutex<Audience>>);

#[derive(Default)]
struct Audience {
    listeners: Vec<Listener>,
    /// What was told and is not over.
    degraded: BTreeSet<Degraded>,
}

impl Listeners {
    /// Whoever comes late is told what is degraded already.
    pub(crate) fn add(&self, listener: impl FnMut(&Event) + Send + 'static) {
        let mut audience = self.audience();
        let mut listener: Listener = Box::new(listener);
        for reason in &audience.degraded {
            tell(&mut listener, &Event::Degraded(*reason));
        }
        audience.listeners.push(listener);
    }

    /// Tells everyone, in the order in which they came. One that panics harms none of the others.
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
