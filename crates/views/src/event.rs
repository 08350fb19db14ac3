//! What happened to the templates.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
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
pub(crate) struct Listeners(Arc<Mutex<Vec<Listener>>>);

impl Listeners {
    pub(crate) fn add(&self, listener: impl FnMut(&Event) + Send + 'static) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(listener));
    }

    /// Tells everyone, in the order in which they came. One that panics harms none of the others.
    pub(crate) fn tell(&self, event: &Event) {
        for listener in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            // The panic hook has reported it already.
            let _ = catch_unwind(AssertUnwindSafe(|| listener(event)));
        }
    }
}
