//! A connection that a task holds.

use std::ops::{Deref, DerefMut};

use deadpool::managed::Object;
use deadpool_postgres::ClientWrapper;

use crate::connector::Connector;
use crate::generation::CheckoutGuard;

/// A connection of the pool. It dereferences to a client of `tokio-postgres`, and is given back when it is dropped.
pub struct Connection {
    pub(crate) client: Object<Connector>,
    /// Dropped after the client is back in the pool.
    pub(crate) guard: CheckoutGuard,
}

impl Connection {
    /// The number of the pool that it belongs to.
    pub fn generation(&self) -> u64 {
        self.guard.generation.number
    }

    /// The connections of its pool that tasks hold, this one included, and those that no task holds.
    pub fn counts(&self) -> (usize, usize) {
        self.guard.generation.counts()
    }
}

impl Deref for Connection {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        &self.client
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut ClientWrapper {
        &mut self.client
    }
}
