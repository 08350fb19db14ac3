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
use configs::{AppConfig, Commit, Configs, Gate, Rejection, Snapshot};
use futures_util::Stream;
use serde::Serialize;
use views::Views;

use crate::{
    admission,
    edition::{Document, Edition},
    error::Error,
    events::{self, Source},
    fault, guard,
    in_force::InForce,
    metrics::Figures,
    options::{OpenError, Options},
    route::Route,
    stand::Stand,
    visit::{Arrival, Visit},
};

/// How long somebody who asked for a reload is kept waiting.
const RELOAD_PATIENCE: Duration = Duration::from_secs(10);

/// The site, as it is served at one place. Cheap to clone; the last clone ends the watching of its files.
#[derive(Clone)]
pub struct Site {
    inner: Arc<Inner>,
    stand: Stand,
}

struct Inner {
    configs: Configs<AppConfig>,
    views: Views,
    in_force: Arc<InForce>,
    figures: Box<dyn Fn() -> Figures + Send + Sync>,
    build: String,
    instance: Bytes,
    requests: AtomicU64,
}

impl Site {
    /// Reads, validates and renders everything once, then follows the files.
    pub fn open(options: Options) -> Result<Site, OpenError> {
        let gate = Gate::new();
        let held = gate.hold();
        let mut builder = AppConfig::builder()
            .files(options.config)
            .environment("APP")
            .unknown_keys(options.unknown_keys)
            .gate(&gate);
        for assignment in &options.set {
            builder =
                builder.set(assignment).map_err(|error| OpenError::Usage(format!("`--set`: {error}")))?;
        }
        let configs = builder.open().map_err(OpenError::Config)?;
        let in_force = Arc::new(InForce::new(options.framework, Edition::new(configs.snapshot(), None)));
        let trial = Arc::clone(&in_force);
        let views = Views::open(options.templates, &gate, move |templates| trial.try_templates(templates))
            .map_err(OpenError::Templates)?;
        let inner = Arc::new(Inner {
            configs,
            views,
            in_force,
            figures: options.figures,
            build: options.build,
            instance: options.instance.into(),
            requests: AtomicU64::new(0),
        });
        let site = Arc::downgrade(&inner);
        inner.in_force.follow(&inner.configs, &inner.views, move |source| {
            if let Some(site) = site.upgrade() {
                match source {
                    Source::Config => site.configs.reload(),
                    Source::Templates => site.views.reload(),
                }
            }
        });
        drop(held);
        Ok(Site { inner, stand: Stand::new() })
    }

    /// The JSON Schema of the configuration.
    pub fn schema() -> String {
        Configs::<AppConfig>::schema()
    }

    /// The configuration in force.
    pub fn config(&self) -> Arc<Snapshot<AppConfig>> {
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
        let mut judged = self.inner.in_force.judged();
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
        self.inner.in_force.served_at(address);
        Site { inner: Arc::clone(&self.inner), stand: Stand::new() }
    }

    /// Says that this place is left: here `/readyz` answers 503, every `/events` ends with `bye`.
    pub fn drain(&self) {
        self.stand.leave(self.inner.in_force.address());
    }

    /// Begins a request: takes the one configuration that it sees, decides whether it may go on.
    pub fn visit(&self, arrival: &Arrival<'_>) -> Visit {
        let edition = self.inner.in_force.edition();
        let route = Route::of(arrival.path).unwrap_or_else(|| {
            let configured = edition.config().routes.contains_key(arrival.path);
            if configured { Route::Configured } else { Route::Unknown }
        });
        let local = route.minds_the_visitor() && guard::is_local(arrival);
        let admitted = admission::decide(&edition, route, arrival, local);
        let number = || self.inner.requests.fetch_add(1, Ordering::Relaxed);
        Visit::new(arrival, edition, route, local, admitted, self.inner.instance.clone(), number)
    }

    /// Ends a request: counts it, and writes its access line at `debug`.
    pub fn answered(&self, visit: &Visit, status: u16) {
        let took = visit.started().elapsed();
        self.inner.in_force.metrics().answered(visit.route(), status, took);
        if let Some(asked) = visit.asked() {
            tracing::debug!(status, took = ?took, request = visit.request_id().as_str(), "{asked}");
        }
    }

    /// `GET /`
    pub fn page(&self, visit: &Visit) -> Result<Bytes, Error> {
        let page = self.inner.in_force.page(visit.edition(), &self.inner.views.load());
        page.map_err(|error| visit.broken(&error))
    }

    /// `GET /dynamic-config`
    pub fn dynamic_config(&self, visit: &Visit) -> Document {
        visit.edition().dynamic_config().clone()
    }

    /// `GET /events`
    pub fn events(&self, visit: &Visit) -> impl Stream<Item = io::Result<Bytes>> + Send + Sync + use<> {
        let hello = events::hello(self.instance(), &self.inner.build, visit.edition().snapshot().generation);
        let in_force = Arc::clone(&self.inner.in_force);
        let leave = self.stand.leave_of(visit.reached());
        self.inner.in_force.events().stream(hello, visit.is_local(), leave, move || in_force.period())
    }

    /// `GET /page.js`
    pub fn script(&self) -> &'static str {
        livepage::SCRIPT
    }

    /// `GET /config/history`
    pub fn history(&self) -> Bytes {
        serde_json::to_vec(&self.inner.configs.history()).expect("a history is always JSON").into()
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
        let draining = self.stand.is_left();
        let snapshot = visit.edition().snapshot();
        let body = Ready {
            status: if draining { "draining" } else { "ready" },
            generation: snapshot.generation,
            digest: &snapshot.digest,
            revision: snapshot.revision,
            address: self.inner.in_force.address(),
        };
        let body = serde_json::to_string(&body).expect("strings and numbers are always JSON");
        (if draining { 503 } else { 200 }, body)
    }

    /// `GET /metrics`
    pub fn metrics(&self) -> String {
        let mut degraded = self.inner.configs.degraded();
        degraded.extend(self.inner.views.degraded());
        self.inner.in_force.metrics().text(&(self.inner.figures)(), &degraded)
    }

    /// A path from the configuration's `routes:`, or why not.
    pub fn configured(&self, visit: &Visit, method: &str, path: &str) -> Result<String, Error> {
        match visit.edition().config().routes.get(path) {
            None => Err(Error::NotFound { path: path.to_owned() }),
            Some(_) if !matches!(method, "GET" | "HEAD") => Err(Error::MethodNotAllowed),
            Some(text) => Ok(text.clone()),
        }
    }

    fn instance(&self) -> &str {
        std::str::from_utf8(&self.inner.instance).expect("it was made from a String")
    }
}
