//! The site: settings, templates and what is made of them.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use configs::{AppConfig, Commit, Configs, RebuildLock, Rejection};
use futures_util::Stream;
use serde_json::Value;
use views::{Templates, Views};

use crate::{
    configured_routes,
    database::{Connection, Pool},
    derived::{Config, Derived},
    drain_signal::{DrainListener, DrainSignal},
    error::Error,
    events::{self, Event, Source},
    greeter::Greeter,
    metrics::ProcessStats,
    options::{Inspected, OpenError, Options},
    request::RequestContext,
    request_head::RequestHead,
    route::Route,
    state::State,
};

/// Upper bound on the wait of a request for a reload.
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
    pool: Pool,
    greeter: Greeter,
    process_stats: Box<dyn Fn() -> ProcessStats + Send + Sync>,
    inspect: fn(Inspected) -> Value,
    is_handing_over: OnceLock<Box<dyn Fn() -> bool + Send + Sync>>,
    build: String,
    instance: String,
    name: Option<String>,
    access_log: bool,
}

impl Site {
    /// Reads, validates and renders everything once, then follows the files.
    pub fn open(options: Options) -> Result<Site, OpenError> {
        let lock = RebuildLock::new();
        let held = lock.hold();
        let greeter = Greeter::default();
        let (checked, derived) = (greeter.clone(), greeter.clone());
        let builder = AppConfig::builder();
        let builder = if options.config.is_empty() { builder.search("config") } else { builder };
        let mut builder = options
            .config
            .into_iter()
            .fold(builder, configs::Builder::layer)
            .dotenv("APP")
            .environment("APP")
            .unknown_keys(options.unknown_keys)
            .allow_rollback(options.allow_rollback)
            .check("routes", configured_routes::check)
            .check("log_level", move |config, _| check_log_filter(config, options.is_log_filter))
            .check("plugins", move |config, provenance| checked.check(config, provenance))
            .derive(move |config, previous| Derived::new(config, previous, derived.reader()))
            .rebuild_lock(&lock);
        for assignment in &options.set {
            builder =
                builder.set(assignment).map_err(|error| OpenError::Usage(format!("`--set`: {error}")))?;
        }
        if let Some(name) = &options.name {
            builder = builder.instance(name);
        }
        if let Some(path) = options.keep_overrides {
            builder = builder.keep_overrides(path);
        }
        if let Some(environment) = &options.environment {
            builder = builder
                .overlay(environment)
                .map_err(|error| OpenError::Usage(format!("`APP_ENV`: {error}")))?;
        }
        let configs = builder.open().map_err(OpenError::Config)?;
        let state = Arc::new(State::new(options.framework, options.environment, configs.reader()));
        greeter.commit_edits(&configs, &state);
        let trial = Arc::clone(&state);
        let views = Views::open(options.templates, &lock, move |templates| trial.try_templates(templates))
            .map_err(OpenError::Templates)?;
        let inner = Arc::new(Inner {
            pool: Pool::follow(&configs, options.framework, options.drain_deadline),
            greeter,
            configs,
            views,
            state,
            process_stats: options.process_stats,
            inspect: options.inspect,
            is_handing_over: OnceLock::new(),
            build: options.build,
            instance: options.instance,
            name: options.name,
            access_log: options.access_log,
        });
        // This is called while the lock is held, where no handle of the site may be dropped.
        let (configs, views) = (inner.configs.reload_handle(), inner.views.reload_handle());
        inner.state.follow(&inner.configs, &inner.views, move |source| match source {
            Source::Config => configs.reload(),
            Source::Templates => views.reload(),
            #[cfg(feature = "plugins")]
            Source::Plugins => {}
        });
        drop(held);
        Ok(Site { inner, drain_signal: DrainSignal::new() })
    }

    /// True if access lines are logged at `info`. Otherwise they are logged at `debug`.
    pub fn access_log(&self) -> bool {
        self.inner.access_log
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

    /// Refuses to set values at run time while `is_handing_over`. A successor has read the kept values at its start, and would
    /// not have the new one. The first call counts.
    pub fn refuse_overrides_while(&self, is_handing_over: impl Fn() -> bool + Send + Sync + 'static) {
        let _ = self.inner.is_handing_over.set(Box::new(is_handing_over));
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

    /// Begins a request: takes the only snapshot of the configuration that it sees, and decides by it.
    pub fn admit(&self, head: &RequestHead<'_>) -> RequestContext {
        let (config, templates) = self.snapshots();
        let route = Route::of(head.path, &config);
        RequestContext::new(head, config, templates, route)
    }

    /// Ends a request: counts it, and logs the cause of a failure with the id of the request.
    pub fn answered(
        &self,
        request: &RequestContext,
        status: u16,
        request_id: Option<&[u8]>,
        error: Option<&Error>,
    ) {
        self.inner.state.metrics().answered(request.route(), status, request.started().elapsed());
        if let Some(Error::Internal { cause }) = error {
            let request_id = request_id.unwrap_or_default().escape_ascii();
            tracing::error!(request = %request_id, "the answer failed: {cause}");
        }
    }

    /// The id of this process, which every answer carries.
    pub fn instance(&self) -> &str {
        &self.inner.instance
    }

    /// The name of this server among all that read the same source.
    pub(crate) fn name(&self) -> Option<&str> {
        self.inner.name.as_deref()
    }

    /// The items of `GET /events` for this client.
    pub fn events(&self, request: &RequestContext) -> impl Stream<Item = Event> + Send + Sync + use<> {
        let hello = events::hello(self.instance(), &self.inner.build, request.generation());
        let drain = self.drain_listener(request);
        self.inner.state.events().stream(hello, request.is_local(), drain, request.half_closed())
    }

    /// Takes a connection to the database of the settings for this request. Waits while all are in use.
    pub fn connection(
        &self,
        request: &RequestContext,
    ) -> impl Future<Output = Result<Connection, Error>> + Send + use<> {
        self.inner.pool.get(request.route().pattern())
    }

    /// A configuration and a set of templates that were in force together, so the page was rendered with them once.
    fn snapshots(&self) -> (Arc<Config>, Arc<Templates>) {
        loop {
            let templates = self.inner.views.snapshot();
            let config = self.inner.configs.snapshot();
            if self.inner.views.load().version() == templates.version() {
                return (config, templates);
            }
        }
    }

    pub(crate) fn configs(&self) -> &Configs<AppConfig, Derived> {
        &self.inner.configs
    }

    pub(crate) fn state(&self) -> &State {
        &self.inner.state
    }

    /// A listener for the client of this request.
    pub(crate) fn drain_listener(&self, request: &RequestContext) -> DrainListener {
        self.drain_signal.listener(request.reached())
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.drain_signal.is_draining()
    }

    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.inner.state.address()
    }

    pub(crate) fn is_handing_over(&self) -> bool {
        self.inner.is_handing_over.get().is_some_and(|is_handing_over| is_handing_over())
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.inner.pool
    }

    pub(crate) fn inspect(&self, part: Inspected) -> Value {
        (self.inner.inspect)(part)
    }

    pub(crate) fn metrics_text(&self) -> String {
        let mut degraded = self.inner.configs.degraded();
        degraded.extend(self.inner.views.degraded());
        degraded.extend(self.inner.greeter.degraded());
        let sources = self.inner.configs.sources();
        self.inner.state.metrics().text(&(self.inner.process_stats)(), &degraded, &sources, &self.inner.pool)
    }
}

fn check_log_filter(config: &AppConfig, is_log_filter: fn(&str) -> bool) -> Vec<Rejection> {
    if is_log_filter(&config.settings.log_level) {
        return Vec::new();
    }
    vec![Rejection::new("settings.log_level", LOG_FILTER).naming_the_value()]
}
