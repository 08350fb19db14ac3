//! The metrics of `/metrics`.

use std::{
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use configs::{Degraded, SourceState, SourceStatus};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::{
    database::{Pool, PoolMetrics},
    events::Source,
    greeter::PluginMetrics,
    route::Route,
};

/// From half a millisecond, a page from memory, to ten seconds, the longest deadline in the contract.
const REQUEST_SECONDS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 10.0];

/// From the parse of a short file to a site with thousands of templates.
const RELOAD_SECONDS: [f64; 8] = [0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.01, 0.1, 1.0];

/// Statistics of the process. The site only shows them.
#[derive(Clone, Debug, Default)]
pub struct ProcessStats {
    /// Connections open now.
    pub connections: u64,
    /// The most connections that were open at once.
    pub connections_peak: u64,
    /// Tasks of all runtimes that have not ended.
    pub tasks: u64,
    /// Drains that ended, by outcome.
    pub drains: Vec<(&'static str, u64)>,
    /// Upgrades that ended, by outcome.
    pub upgrades: Vec<(&'static str, u64)>,
    /// Log lines that found the writer too far behind.
    pub log_lines_dropped: u64,
    /// Resident memory, in bytes.
    pub memory: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// Threads.
    pub threads: u64,
}

pub(crate) struct Metrics {
    registry: Registry,
    successful: Gauge,
    success_timestamp: Gauge<f64, AtomicU64>,
    generation: Gauge<i64, AtomicI64>,
    reloads: Family<Reload, Counter>,
    reload_seconds: Histogram,
    requests: Family<Request, Counter>,
    /// A short cut past the hashing of `requests`: each route's answers that were 200, which nearly all are.
    answered_200: [OnceLock<Counter>; Route::ALL],
    request_seconds: Histogram,
    connections: Gauge,
    tasks: Gauge,
    peaks: Family<Figure, Gauge>,
    drains: Family<Ended, Counter>,
    upgrades: Family<Ended, Counter>,
    watch_degraded: Family<Reason, Gauge>,
    source_age: Family<Remote, Gauge<f64, AtomicU64>>,
    source_live: Family<Remote, Gauge>,
    log_lines_dropped: Counter,
    memory: Gauge,
    descriptors: Gauge,
    threads: Gauge,
    pool: PoolMetrics,
    plugins: PluginMetrics,
    /// One scrape at a time, so that the figures of one do not mix with another's.
    scrape: Mutex<()>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reload {
    source: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Figure {
    figure: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Remote {
    source: String,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        let mut metrics = Self {
            pool: PoolMetrics::new(&mut registry),
            plugins: PluginMetrics::new(&mut registry),
            registry,
            successful: Gauge::default(),
            success_timestamp: Gauge::default(),
            generation: Gauge::default(),
            reloads: Family::default(),
            reload_seconds: Histogram::new(RELOAD_SECONDS),
            requests: Family::default(),
            answered_200: Default::default(),
            request_seconds: Histogram::new(REQUEST_SECONDS),
            connections: Gauge::default(),
            tasks: Gauge::default(),
            peaks: Family::default(),
            drains: Family::default(),
            upgrades: Family::default(),
            watch_degraded: Family::default(),
            source_age: Family::default(),
            source_live: Family::default(),
            log_lines_dropped: Counter::default(),
            memory: Gauge::default(),
            descriptors: Gauge::default(),
            threads: Gauge::default(),
            scrape: Mutex::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "config_last_reload_successful",
            "Whether the last attempt at the configuration was accepted",
            self.successful.clone(),
        );
        registry.register(
            "config_last_reload_success_timestamp_seconds",
            "When a configuration was accepted last",
            self.success_timestamp.clone(),
        );
        registry.register(
            "config_generation",
            "How many different configurations were accepted",
            self.generation.clone(),
        );
        registry.register(
            "config_reloads",
            "Attempts at a new value, the first included",
            self.reloads.clone(),
        );
        registry.register(
            "config_reload_seconds",
            "From reading an edit to its end",
            self.reload_seconds.clone(),
        );
        registry.register("http_requests", "Requests answered", self.requests.clone());
        registry.register(
            "http_request_seconds",
            "From a request's head to its answer's head",
            self.request_seconds.clone(),
        );
        registry.register("http_connections", "Connections open", self.connections.clone());
        registry.register("tokio_tasks", "Tasks of all runtimes that have not ended", self.tasks.clone());
        registry.register(
            "peak",
            "The highest value of a figure: of connections and checkouts since the start, of the others at any scrape",
            self.peaks.clone(),
        );
        registry.register("drains", "Drains that ended", self.drains.clone());
        registry.register("upgrades", "Upgrades that ended", self.upgrades.clone());
        registry.register(
            "watch_degraded",
            "Whether the files are watched in a lesser way, and why",
            self.watch_degraded.clone(),
        );
        registry.register(
            "config_source_age_seconds",
            "Seconds since a source of the configuration has confirmed its text",
            self.source_age.clone(),
        );
        registry.register(
            "config_source_live",
            "Whether a source of the configuration answers",
            self.source_live.clone(),
        );
        registry.register(
            "log_lines_dropped",
            "Log lines that found their writer too far behind",
            self.log_lines_dropped.clone(),
        );
        registry.register("process_resident_memory_bytes", "Resident memory", self.memory.clone());
        registry.register("process_open_fds", "Open descriptors", self.descriptors.clone());
        registry.register("process_threads", "Threads", self.threads.clone());
    }

    /// An attempt at a new value has ended.
    pub(crate) fn reloaded(&self, source: Source, outcome: &'static str, took: Duration) {
        self.counted(source, outcome);
        self.reload_seconds.observe(took.as_secs_f64());
    }

    /// The same where the time is not known.
    pub(crate) fn counted(&self, source: Source, outcome: &'static str) {
        self.reloads.get_or_create(&Reload { source: source.as_str(), outcome }).inc();
    }

    /// Outcome of the last attempt at the configuration.
    pub(crate) fn configured(&self, generation: u64, successful: bool) {
        self.successful.set(i64::from(successful));
        self.generation.set(signed(generation));
        if successful {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            self.success_timestamp.set(now.as_secs_f64());
        }
    }

    pub(crate) fn answered(&self, route: Route, status: u16, took: Duration) {
        let counter = || self.requests.get_or_create(&Request { route: route.pattern(), status });
        if status == 200 {
            self.answered_200[route.number()].get_or_init(|| counter().clone()).inc();
        } else {
            counter().inc();
        }
        self.request_seconds.observe(took.as_secs_f64());
    }

    /// The exposition in the Prometheus text format. `degraded` is all that is degraded now.
    pub(crate) fn text(
        &self,
        stats: &ProcessStats,
        degraded: &[Degraded],
        sources: &[SourceStatus],
        pool: &Pool,
    ) -> String {
        let _one = self.scrape.lock().unwrap_or_else(PoisonError::into_inner);
        self.pool.read(pool);
        self.plugins.read();
        self.connections.set(signed(stats.connections));
        self.tasks.set(signed(stats.tasks));
        for (figure, value) in [
            ("http_connections", stats.connections_peak),
            ("tokio_tasks", stats.tasks),
            ("process_open_fds", stats.descriptors),
            ("process_threads", stats.threads),
            ("database_connections_in_use", u64::try_from(pool.in_use_peak()).unwrap_or(u64::MAX)),
        ] {
            let peak = self.peaks.get_or_create(&Figure { figure });
            peak.set(peak.get().max(signed(value)));
        }
        self.memory.set(signed(stats.memory));
        self.descriptors.set(signed(stats.descriptors));
        self.threads.set(signed(stats.threads));
        self.log_lines_dropped.inner().store(stats.log_lines_dropped, Ordering::Relaxed);
        for (family, ended) in [(&self.drains, &stats.drains), (&self.upgrades, &stats.upgrades)] {
            for &(outcome, count) in ended {
                family.get_or_create(&Ended { outcome }).inner().store(count, Ordering::Relaxed);
            }
        }
        for reason in Degraded::ALL {
            let is = i64::from(degraded.contains(&reason));
            self.watch_degraded.get_or_create(&Reason { reason: reason.reason() }).set(is);
        }
        for status in sources {
            let remote = Remote { source: status.name.clone() };
            self.source_age.get_or_create(&remote).set(status.age.as_secs_f64());
            self.source_live.get_or_create(&remote).set(i64::from(status.state == SourceState::Live));
        }
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a String takes all that is written to it");
        text
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
