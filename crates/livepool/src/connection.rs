//! A connection that a task holds.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use deadpool::managed::Object;
use deadpool_postgres::ClientWrapper;

use crate::{connector::Connections, generation::Generation};

/// A connection of the pool. It dereferences to a client of `tokio-postgres`, and is given back when it is dropped.
pub struct Connection {
    client: Object<Connections>,
    returned: Returned,
}

/// Reports the return. It is dropped after the client is back in the pool.
struct Returned {
    generation: Arc<Generation>,
    id: u64,
}

impl Connection {
    pub(crate) fn new(client: Object<Connections>, generation: Arc<Generation>, id: u64) -> Self {
        Self { client, returned: Returned { generation, id } }
    }

    /// The number of the pool that it belongs to.
    pub fn generation(&self) -> u64 {
        self.returned.generation.number
    }

    /// The connections of its pool that tasks hold, this one included, and those that nobody holds.
    pub fn counts(&self) -> (usize, usize) {
        self.returned.generation.counts()
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

impl Drop for Returned {
    fn drop(&mut self) {
        self.generation.given_back(self.id);
    }
}
