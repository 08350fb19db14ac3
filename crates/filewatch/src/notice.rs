use crate::degraded::Degraded;
use crate::trigger::Trigger;
use std::sync::Arc;

/// The outcome of a rebuild, or a change of the watching itself.
#[derive(Debug)]
pub enum Notice<'a, T, E> {
    /// A new value is in force.
    Published {
        /// The value that was in force before.
        old: &'a Arc<T>,
        /// The value in force now.
        new: &'a Arc<T>,
        /// Why it was built.
        trigger: Trigger,
    },
    /// Bytes differed, or it was asked for, but the build had nothing to swap.
    Unchanged {
        /// The value in force, as before.
        current: &'a Arc<T>,
        /// Why it was built.
        trigger: Trigger,
    },
    /// The build failed; the last good value stays.
    Rejected {
        /// The error of the build.
        error: E,
        /// The value in force, as before.
        current: &'a Arc<T>,
        /// Why it was built.
        trigger: Trigger,
    },
    /// Changes may be noticed late from now on.
    Degraded(Degraded),
    /// This is over.
    Recovered(Degraded),
}
