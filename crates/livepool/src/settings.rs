//! The settings of a pool.

use std::time::Duration;

use configs::{ExposeSecret, SecretString};

/// The settings of a pool.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The host of the server: a name, an address, or the folder of its Unix socket, which begins with `/`.
    pub host: String,
    /// The port of the server.
    pub port: u16,
    /// The role that logs in.
    pub user: String,
    /// The password of the role.
    pub password: SecretString,
    /// The name of the database.
    pub name: String,
    /// Upper bound on the connections of one pool, at least 1.
    pub pool_size: usize,
    /// A connection that is out for longer is logged and counted as a leak.
    pub leak_after: Duration,
}

/// The options of a pool, which stay as they are.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name in `pg_stat_activity`; the number of the pool is added to it. Default: `livepool`.
    pub application: String,
    /// Time for an attempt to connect, and for a task that waits while all connections are in use. Default: 5 s.
    pub timeout: Duration,
    /// Time for the queries of an old pool; then they are cancelled. Default: 10 s.
    pub drain_deadline: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let (timeout, drain_deadline) = (Duration::from_secs(5), Duration::from_secs(10));
        Self { application: "livepool".to_owned(), timeout, drain_deadline }
    }
}

impl Settings {
    /// True if one pool can serve both. `leak_after` takes effect without a new pool.
    pub(crate) fn same_pool(&self, other: &Settings) -> bool {
        let key = |settings: &Settings| (settings.host.clone(), settings.port, settings.pool_size);
        key(self) == key(other) && self.same_login(other) && self.name == other.name
    }

    pub(crate) fn same_login(&self, other: &Settings) -> bool {
        self.user == other.user && self.password.expose_secret() == other.password.expose_secret()
    }

    pub(crate) fn connect_config(&self, application: &str) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config.host(&self.host).port(self.port).user(&self.user).password(self.password.expose_secret());
        config.dbname(&self.name).application_name(application);
        config
    }
}
