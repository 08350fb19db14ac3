//! The database that the settings name.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use configs::{AppConfig, Configs, ExposeSecret};
use livepool::{LivePool, Settings, State, tokio_postgres::Config};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{derived::Derived, error::Error};

pub use livepool::Connection;

const QUERY: &str = "SELECT current_setting('server_version'), current_user::text";

/// The answer to `GET /database`.
#[derive(Debug, Serialize)]
pub struct Database {
    server: String,
    user: String,
    micros: u128,
    generation: u64,
    in_use: usize,
    idle: usize,
}

/// The pool that follows the settings.
#[derive(Clone)]
pub(crate) struct Pool(LivePool);
pub(crate) struct PoolMetrics {
    generation: Gauge,
    states: Family<Is, Gauge>,
    connections: Family<Is, Gauge>,
    drains: Family<Ended, Counter>,
    leaks: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Is {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
}

impl Database {
    /// Asks the server for its version and the role, and measures the round trip.
    pub async fn ask(connection: &Connection) -> Result<Database, Error> {
        let begun = Instant::now();
        let row = connection.query_one(QUERY, &[]).await.map_err(|error| {
            tracing::warn!("a query of the database failed: {error}");
            Error::Unavailable { sentence: "the database did not answer, try again in a moment" }
        })?;
        let micros = begun.elapsed().as_micros();
        let (in_use, idle) = connection.counts();
        let generation = connection.generation();
        Ok(Database { server: row.get(0), user: row.get(1), micros, generation, in_use, idle })
    }
}

impl Pool {
    pub(crate) fn follow(
        configs: &Configs<AppConfig, Derived>,
        framework: &str,
        drain_deadline: Duration,
    ) -> Self {
        let application = format!("demo-{}", framework.to_lowercase());
        let settings = move |config: &AppConfig| settings(config, &application);
        Self(LivePool::follow(configs, "database", drain_deadline, settings))
    }

    /// Takes a connection for a request of `route`.
    pub(crate) fn get(
        &self,
        route: &'static str,
    ) -> impl Future<Output = Result<Connection, Error>> + Send + use<> {
        let connection = self.0.get_for(route);
        async move { connection.await.map_err(|error| Error::Unavailable { sentence: error.public() }) }
    }
}

impl Pool {
    /// The body of `GET /debug/pool`.
    #[expect(clippy::unnecessary_wraps, reason = "a build without the feature has no pool")]
    pub(crate) fn inspected(&self) -> Result<Value, Error> {
        let stats = self.0.stats();
        Ok(json!({
            "state": stats.state.as_str(),
            "generation": stats.generation,
            "in_use": stats.in_use,
            "in_use_peak": stats.in_use_peak,
            "idle": stats.idle,
            "draining": stats.draining,
            "drained": stats.drained,
            "cut": stats.cut,
            "leaks": stats.leaks,
        }))
    }

    /// The most connections that requests have held at once.
    pub(crate) fn in_use_peak(&self) -> usize {
        self.0.stats().in_use_peak
    }
}

impl PoolMetrics {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let metrics = Self {
            generation: Gauge::default(),
            states: Family::default(),
            connections: Family::default(),
            drains: Family::default(),
            leaks: Counter::default(),
        };
        registry.register("database_generation", "The number of the pool", metrics.generation.clone());
        registry.register(
            "database_state",
            "The state of the pool: 1 at one of them",
            metrics.states.clone(),
        );
        registry.register("database_connections", "Connections of the pool", metrics.connections.clone());
        registry.register("database_drains", "Old pools that were drained", metrics.drains.clone());
        registry.register("database_leaks", "Connections that were out for too long", metrics.leaks.clone());
        metrics
    }

    /// Takes the figures of the pool over.
    pub(crate) fn read(&self, Pool(pool): &Pool) {
        let stats = pool.stats();
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.generation.set(i64::try_from(stats.generation).unwrap_or(i64::MAX));
        for state in [State::Unused, State::Connected, State::Away] {
            self.states.get_or_create(&Is { state: state.as_str() }).set(i64::from(stats.state == state));
        }
        for (state, number) in [("in_use", stats.in_use), ("idle", stats.idle)] {
            self.connections.get_or_create(&Is { state }).set(count(number));
        }
        for (outcome, number) in [("clean", stats.drained), ("cut", stats.cut)] {
            self.drains.get_or_create(&Ended { outcome }).inner().store(number, Ordering::Relaxed);
        }
        self.leaks.inner().store(stats.leaks, Ordering::Relaxed);
    }
}

fn settings(config: &AppConfig, application: &str) -> Settings {
    let database = &config.database;
    let mut config = Config::new();
    config.host(&database.host).port(database.port).dbname(&database.name).application_name(application);
    config.user(&database.user).password(database.password.expose_secret());
    let leak_after = Duration::from_secs(database.leak_after.into());
    Settings { config, pool_size: database.pool_size.into(), leak_after }
}
