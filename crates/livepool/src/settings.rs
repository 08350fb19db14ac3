//! The settings of a pool.

use std::time::Duration;

use tokio_postgres::Config;

/// The settings of a pool.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server, the role and the database. The number of the pool is added to its application name.
    pub config: Config,
    /// Upper bound on the connections of one pool, at least 1.
    pub pool_size: usize,
    /// A connection that is out for longer is logged and counted as a leak.
    pub leak_after: Duration,
}
