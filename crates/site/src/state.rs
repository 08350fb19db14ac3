//! The state that the threads that watch the files share with the requests.

use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use configs::{AppConfig, Change, Configs, Outcome, Reader, Rejection};
use serde_json::Value;
use tokio::sync::watch;
use views::{Templates, Views};

use crate::{
    derived::{Config, Derived},
    events::{Events, Source},
    metrics::Metrics,
    page::{self, Page},
};

/// The state of the site, whatever address it is served at. It only reads the configuration: it keeps no watching alive.
pub(crate) struct State {
    framework: &'static str,
    environment: Option<String>,
    current: Reader<AppConfig, Derived>,
    address: ArcSwapOption<SocketAddr>,
    events: Events,
    metrics: Metrics,
    /// True after an edit of the configuration with which the templates in force could not be rendered. The edit is tried again
    /// when the templates change, and the other way round.
    unrendered_config: AtomicBool,
    unrendered_templates: AtomicBool,
    /// The page does not load the script.
    scriptless: AtomicBool,
    retry: OnceLock<Retry>,
    judged: watch::Sender<Judged>,
}

/// Has the configuration or the templates read again.
type Retry = Box<dyn Fn(Source) + Send + Sync>;

/// The number of attempts that were decided so far.
#[derive(Clone, Copy, Default)]
pub(crate) struct Judged {
    pub(crate) config: u64,
    pub(crate) templates: u64,
}

impl State {
    pub(crate) fn new(
        framework: &'static str,
        environment: Option<String>,
        current: Reader<AppConfig, Derived>,
    ) -> Self {
        Self {
            framework,
            environment,
            current,
            address: ArcSwapOption::empty(),
            events: Events::new(),
            metrics: Metrics::new(),
            unrendered_config: AtomicBool::new(false),
            unrendered_templates: AtomicBool::new(false),
            scriptless: AtomicBool::new(false),
            retry: OnceLock::new(),
            judged: watch::Sender::default(),
        }
    }

    pub(crate) fn events(&self) -> &Events {
        &self.events
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(crate) fn judged(&self) -> watch::Receiver<Judged> {
        self.judged.subscribe()
    }

    /// The environment that the process runs in.
    pub(crate) fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    /// The address of the site; during a move, the new one.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.address.load().as_deref().copied()
    }

    pub(crate) fn served_at(&self, address: SocketAddr) {
        self.address.store(Some(Arc::new(address)));
    }

    /// The variables of the page with `config`.
    pub(crate) fn page<'a>(&'a self, config: &'a Config) -> Page<'a> {
        Page::of(self.framework, self.environment(), self.port(config), config)
    }

    /// Renders the page with these templates and the configuration in force.
    pub(crate) fn try_templates(&self, templates: &Templates) -> Result<(), views::Error> {
        let rendered = templates.render(page::TEMPLATE, &self.page(&self.current.load()));
        self.unrendered_templates.store(rendered.is_err(), Ordering::Relaxed);
        self.note_script(&rendered?);
        Ok(())
    }

    /// Logs once that the page does not load the script.
    fn note_script(&self, page: &str) {
        let has_script = page.contains(page::SCRIPT);
        if !self.scriptless.swap(!has_script, Ordering::Relaxed) && !has_script {
            tracing::warn!(
                "the page does not follow changes by itself: add `<script src=\"{{{{ page_script }}}}\"></script>` to `{}`",
                page::TEMPLATE
            );
        }
    }

    /// Follows both sources: rejects an edit with which the page cannot be rendered, and records and publishes every attempt.
    /// `retry` has a source read again.
    pub(crate) fn follow(
        self: &Arc<Self>,
        configs: &Configs<AppConfig, Derived>,
        views: &Views,
        retry: impl Fn(Source) + Send + Sync + 'static,
    ) {
        let _ = self.retry.set(Box::new(retry));
        self.metrics.configured(1, true);
        for attempt in configs.history().iter().rev() {
            self.metrics.reloaded(Source::Config, attempt.outcome.as_str(), attempt.took);
        }
        self.metrics.reloaded(Source::Templates, Outcome::Accepted.as_str(), Duration::ZERO);

        let (state, templates) = (Arc::clone(self), views.clone());
        configs.on_prepare(move |_, new| {
            let rendered = templates.load().render(page::TEMPLATE, &state.page(new));
            state.unrendered_config.store(rendered.is_err(), Ordering::Relaxed);
            match rendered {
                Ok(_) => Ok(configs::no_op()),
                Err(error) => {
                    let message = format!("the page cannot be rendered with it: {}", error.message());
                    Err(Rejection::new("", message))
                }
            }
        });

        let state = Arc::clone(self);
        configs.on_event(move |event| state.config_event(event));
        let state = Arc::clone(self);
        views.on_event(move |event| state.views_event(event));
    }

    /// Tries a rejected edit of `source` again, since the other source has changed.
    fn retry(&self, source: Source) {
        let unrendered = match source {
            Source::Config => &self.unrendered_config,
            Source::Templates => &self.unrendered_templates,
            #[cfg(feature = "plugins")]
            Source::Plugins => return,
        };
        if unrendered.swap(false, Ordering::Relaxed)
            && let Some(retry) = self.retry.get()
        {
            retry(source);
        }
    }

    fn config_event(&self, event: &configs::Event) {
        let attempt = match event {
            configs::Event::Attempt(attempt) => attempt,
            configs::Event::Degraded(how) => return tracing::warn!("the configuration: {how}"),
            configs::Event::Recovered(how) => return tracing::info!("the configuration: no longer: {how}"),
            _ => return,
        };
        self.judged.send_modify(|judged| judged.config += 1);
        let successful = attempt.outcome != Outcome::Rejected;
        self.metrics.reloaded(Source::Config, attempt.outcome.as_str(), attempt.took);
        if let (configs::Trigger::Override, Some(diagnosis)) = (attempt.trigger, &attempt.error) {
            // The files are as good as they were. The client that wanted the value is told.
            return tracing::warn!("a value was not set at run time: {}", diagnosis.message());
        }
        if let (true, configs::Trigger::Source, Some(diagnosis)) =
            (attempt.is_canary, attempt.trigger, &attempt.error)
        {
            // The version without the canary is judged by itself.
            return tracing::warn!("the canary was rejected: {}", diagnosis.message());
        }
        self.metrics.configured(attempt.generation, successful);
        if let Some(diagnosis) = &attempt.error {
            tracing::warn!("kept generation {}: {}", attempt.generation, diagnosis.message());
            self.events.problem(Source::Config, &diagnosis.message(), &diagnosis.public());
            return;
        }
        if attempt.outcome == Outcome::Accepted {
            let changed: Vec<&str> = attempt.changed.iter().map(|change| change.path.as_str()).collect();
            let differences: Vec<String> = attempt.changed.iter().map(difference).collect();
            tracing::info!(
                generation = attempt.generation,
                "configuration changed: {}",
                differences.join(", ")
            );
            self.events.config(attempt.generation, &changed);
            self.retry(Source::Templates);
        }
        self.events.solved(Source::Config);
    }

    fn views_event(&self, event: &views::Event) {
        let (outcome, took) = match event {
            views::Event::Published { changed, took } => {
                tracing::info!("templates changed: {}", changed.join(", "));
                self.events.template(changed);
                self.retry(Source::Config);
                (Outcome::Accepted, took)
            }
            views::Event::Unchanged { took } => (Outcome::Unchanged, took),
            views::Event::Rejected { error, took } => {
                tracing::warn!("kept the last good templates: {}", error.message());
                self.events.problem(Source::Templates, &error.message(), &error.public());
                (Outcome::Rejected, took)
            }
            views::Event::Degraded(how) => return tracing::warn!("the templates: {how}"),
            views::Event::Recovered(how) => return tracing::info!("the templates: no longer: {how}"),
        };
        self.judged.send_modify(|judged| judged.templates += 1);
        self.metrics.reloaded(Source::Templates, outcome.as_str(), *took);
        if outcome != Outcome::Rejected {
            self.events.solved(Source::Templates);
        }
    }

    /// The port that the page shows: the configured one, or for 0 the one that the system chose.
    fn port(&self, config: &Config) -> u16 {
        let configured = config.port;
        match self.address() {
            Some(address) if configured == 0 => address.port(),
            _ => configured,
        }
    }
}

/// `settings.refresh_interval_seconds: 5 -> 10`. The values of secrets are masked already.
fn difference(change: &Change) -> String {
    let shown = |value: &Value| if value.is_null() { "none".to_owned() } else { value.to_string() };
    format!("{}: {} -> {}", change.path, shown(&change.from), shown(&change.to))
}
