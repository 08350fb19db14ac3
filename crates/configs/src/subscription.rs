//! A part of the configuration that is followed.

use std::fmt::{Debug, Display, Formatter};

use tokio::sync::watch;

/// Follows one part of the configuration: it resolves if and only if that part changed.
///
/// A slow subscriber misses values in between, but never the last one, and delays nobody.
pub struct Subscription<U> {
    latest: watch::Receiver<U>,
    seen: U,
}

impl<U: PartialEq + Clone> Subscription<U> {
    pub(crate) fn new(latest: watch::Receiver<U>) -> Subscription<U> {
        let seen = latest.borrow().clone();
        Subscription { latest, seen }
    }

    /// The part as it is now.
    pub fn get(&self) -> U {
        self.latest.borrow().clone()
    }

    /// Waits until the part differs from what this subscription returned last, and returns it. Fails once the last handle to
    /// the configuration is dropped. It is safe to cancel.
    pub async fn changed(&mut self) -> Result<U, Closed> {
        loop {
            self.latest.changed().await.map_err(|_| Closed)?;
            let value = self.latest.borrow_and_update().clone();
            if value != self.seen {
                self.seen = value.clone();
                return Ok(value);
            }
        }
    }
}

impl<U: Debug> Debug for Subscription<U> {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Subscription").finish_non_exhaustive()
    }
}

/// The last handle to the configuration was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed;

impl Display for Closed {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.write_str("the last handle to the configuration was dropped")
    }
}

impl std::error::Error for Closed {}
