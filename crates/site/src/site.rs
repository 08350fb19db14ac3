//! The site: settings, templates and what is made of them.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use configs::{AppConfig, Commit, Configs, RebuildLock, Rejection};
use futures_util::Stream;
use serde::Serialize;
use views::Views;

use crate::{
    admission, configured_routes,
    derived::{Config, Derived, Document},
    drain_signal::DrainSignal,
    error::Error,
    events::{self, Source},
    fault, guard, history,
    metrics::ProcessStats,
    options::{OpenError, Options},
    route::Route,
    state::State,
    visit::{Arrival, Visit},
};

/// How long somebody who asked for a reload is kept waiting.
const RELOAD_PATIENCE: Duration = Duration::from_secs(10);

const LOG_FILTER: &str =
    "expected `off`, `error`, `warn`, `info`, `debug` or `trace`, or directives such as `info,hyper=debug`";

/// The site, as it is served at one place. Cheap to clone; the last clone ends the watching of its files.
#[derive(Clone)]
pub struct Site {
    inner: Arc<Inner>,
    drain_signal: DrainSignal,
}

struct Inner {
    configs: Configs<AppConfig, Derived>,
    views: Views,
    state: Arc<State>,
    process_stats: Box<dyn Fn() -> ProcessStats + Send + Sync>,
    build: String,
    instance: Bytes,
    requests: AtomicU64,
}

impl Site {
    /// Reads, validates and renders everything once, then follows the files.
    pub fn open(options: Options) -> Result<Site, OpenError> {
        let lock = RebuildLock::new();
        let held = lock.hold();
        let mut builder = AppConfig::builder()
            .files(options.config)
            .environment("APP")
            .unknown_keys(options.unknown_keys)
            .allow_rollback(options.allow_rollback)
            .check("routes", configured_routes::check)
            .check("log_level", move |config, _| check_log_filter(config, options.is_log_filter))
            .derive(Derived::new)
            .rebuild_lock(&lock);
        for assignment in &options.set {
            builder =
                builder.set(assignment).map_err(|error| OpenError::Usage(format!("`--set`: {error}")))?;
        }
        let configs = builder.open().map_err(OpenError::Config)?;
        let state = Arc::new(State::new(options.framework, configs.reader()));
        let trial = Arc::clone(&state);
        let views = Views::open(options.templates, &lock, move |templates| trial.try_templates(templates))
            .map_err(OpenError::Templates)?;
        let inner = Arc::new(Inner {
            configs,
            views,
            state,
            process_stats: options.process_stats,
            build: options.build,
            instance: options.instance.into(),
            requests: AtomicU64::new(0),
        });
        // This is called while the lock is held, where no handle of the site may be dropped.
        let (configs, views) = (inner.configs.reload_handle(), inner.views.reload_handle());
        inner.state.follow(&inner.configs, &inner.views, move |source| match source {
            Source::Config => configs.reload(),
            Source::Templates => views.reload(),
        });
        drop(held);
        Ok(Site { inner, drain_signal: DrainSignal::new() })
    }

    /// The JSON Schema of the configuration.
    pub fn schema() -> String {
        Configs::<AppConfig>::schema()
    }

    /// The configuration in force.
    pub fn config(&self) -> Arc<Config> {
        self.inner.configs.snapshot()
    }

    /// Asks `prepare` about every edit before it is put in force; see `configs::Configs::on_prepare`.
    pub fn on_prepare(
        &self,
        mut prepare: impl FnMut(&AppConfig, &AppConfig) -> Result<Commit, Rejection> + Send + 'static,
    ) {
        self.inner.configs.on_prepare(move |old, new| prepare(old, new));
    }

    /// Reads everything again, whether a change was seen or not, and waits until both halves were judged.
    pub async fn reload(&self) {
        let mut judged = self.inner.state.judged();
        let before = *judged.borrow_and_update();
        self.inner.configs.reload();
        self.inner.views.reload();
        let both = judged.wait_for(|now| now.config > before.config && now.templates > before.templates);
        if tokio::time::timeout(RELOAD_PATIENCE, both).await.is_err() {
            tracing::warn!("the reload is still under way");
        }
    }

    /// The same site, served at `address` from now on: `/readyz` and the page show it, and the other places send their
    /// clients there when they are left. Each place is left for itself.
    #[must_use = "what is returned is to be served at the address"]
    pub fn served_at(&self, address: SocketAddr) -> Site {
        self.inner.state.served_at(address);
        Site { inner: Arc::clone(&self.inner), drain_signal: DrainSignal::new() }
    }

    /// Says that this place is left: here `/readyz` answers 503, every `/events` ends with `bye`.
    pub fn drain(&self) {
        self.drain_signal.drain(self.inner.state.address());
    }

    /// Begins a request: takes the one configuration that it sees, decides whether it may go on.
    pub fn visit(&self, arrival: &Arrival<'_>) -> Visit {
        let config = self.inner.configs.snapshot();
        let route = Route::of(arrival.path).unwrap_or_else(|| {
            let configured = config.routes.contains_key(arrival.path);
            if configured { Route::Configured } else { Route::Unknown }
        });
        let local = route.minds_the_visitor() && guard::is_local(arrival);
        let admitted = admission::decide(&config, route, arrival, local);
        let number = || self.inner.requests.fetch_add(1, Ordering::Relaxed);
        Visit::new(arrival, config, route, local, admitted, self.inner.instance.clone(), number)
    }

    /// Ends a request: counts it, and writes its access line at `debug`.
    pub fn answered(&self, visit: &Visit, status: u16) {
        let took = visit.started().elapsed();
        self.inner.state.metrics().answered(visit.route(), status, took);
        if let Some(asked) = visit.asked() {
            tracing::debug!(status, took = ?took, request = visit.request_id().as_str(), "{asked}");
        }
    }

    /// `GET /`
    pub fn page(&self, visit: &Visit) -> Result<Bytes, Error> {
        let page = self.inner.state.page(visit.config(), &self.inner.views.load());
        page.map_err(|error| visit.broken(&error))
    }

    /// `GET /dynamic-config`
    pub fn dynamic_config(&self, visit: &Visit) -> Document {
        visit.config().derived().dynamic_config().clone()
    }

    /// `GET /events`
    pub fn events(&self, visit: &Visit) -> impl Stream<Item = io::Result<Bytes>> + Send + Sync + use<> {
        let hello = events::hello(self.instance(), &self.inner.build, visit.config().generation());
        let drain = self.drain_signal.listener(visit.reached());
        self.inner.state.events().stream(hello, visit.is_local(), drain, visit.half_closed())
    }

    /// `GET /page.js`
    pub fn script(&self) -> &'static str {
        livepage::SCRIPT
    }

    /// `GET /config/history`
    pub fn history(&self) -> Bytes {
        history::json(&self.inner.configs.history()).into()
    }

    /// `GET /healthz`
    pub fn healthz(&self) -> &'static str {
        fault::strike("/healthz");
        r#"{"status":"ok"}"#
    }

    /// `GET /readyz`: the status and the body.
    pub fn readyz(&self, visit: &Visit) -> (u16, String) {
        #[derive(Serialize)]
        struct Ready<'a> {
            status: &'static str,
            generation: u64,
            digest: &'a str,
            revision: Option<u64>,
            address: Option<SocketAddr>,
        }
        let draining = self.drain_signal.is_draining();
        let config = visit.config();
        let body = Ready {
            status: if draining { "draining" } else { "ready" },
            generation: config.generation(),
            digest: config.digest(),
            revision: config.revision(),
            address: self.inner.state.address(),
        };
        let body = serde_json::to_string(&body).expect("strings and numbers are always JSON");
        (if draining { 503 } else { 200 }, body)
    }

    /// `GET /metrics`
    pub fn metrics(&self) -> String {
        let mut degraded = self.inner.configs.degraded();
        degraded.extend(self.inner.views.degraded());
        self.inner.state.metrics().text(&(self.inner.process_stats)(), &degraded)
    }

    /// A path from the configuration's `routes:`, or why not.
    pub fn configured(&self, visit: &Visit, method: &str, path: &str) -> Result<String, Error> {
        match visit.config().routes.get(path) {
            None => Err(Error::NotFound { path: path.to_owned() }),
            Some(_) if !matches!(method, "GET" | "HEAD") => Err(Error::MethodNotAllowed),
            Some(text) => Ok(text.clone()),
        }
    }

    fn instance(&self) -> &str {
        std::str::from_utf8(&self.inner.instance).expect("it was made from a String")
    }
}

fn check_log_filter(config: &AppConfig, is_log_filter: fn(&str) -> bool) -> Vec<Rejection> {
    if is_log_filter(&config.settings.log_level) {
        return Vec::new();
    }
    vec![Rejection::new("settings.log_level", LOG_FILTER).naming_the_value()]
}
