//! Following a part of the configuration.

use std::fmt::{Debug, Display, Formatter};

use tokio::sync::watch;

/// Follows one part of the configuration: hears of it if and only if that part changed.
///
/// The latest value wins: a slow subscriber misses the values between, never the last one, and holds nobody up.
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

    /// Waits until the part differs from what this subscription said last, and returns it; fails once the last handle to
    /// the configuration is dropped. Cancelling it loses nothing.
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

/// The configuration is no longer kept: its last handle was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl Display for Closed {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.write_str("the configuration is no longer kept: its last handle was dropped")
    }
}

impl std::error::Error for Closed {}
