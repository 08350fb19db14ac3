//! Those that are told of every new value.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::callbacks::catch_panic;

/// Passes a value on to a subscription; `false` when the subscription is dropped.
pub(crate) type Follow<T> = Box<dyn Fn(&T) -> bool + Send>;

/// The followers of a value.
pub(crate) struct Followers<T>(Mutex<Vec<Follow<T>>>);

impl<T> Followers<T> {
    pub(crate) fn new() -> Followers<T> {
        Followers(Mutex::new(Vec::new()))
    }

    /// Adds a follower that `begin` makes. No value is passed on meanwhile, so it misses none.
    pub(crate) fn add<R>(&self, begin: impl FnOnce() -> (Follow<T>, R)) -> R {
        let mut followers = self.locked();
        let (follow, subscription) = begin();
        followers.push(follow);
        subscription
    }

    /// Passes a new value on to all of them.
    pub(crate) fn pass(&self, new: &T) {
        self.locked().retain(|follow| catch_panic(|| follow(new)).unwrap_or(true));
    }

    /// The list is never half-written, so a panic of an earlier holder does no harm.
    fn locked(&self) -> MutexGuard<'_, Vec<Follow<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
