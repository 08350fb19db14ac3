//! The plugin behind `GET /greet`, which follows `plugins:`.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use configs::{AppConfig, Commit, Configs, Degraded, Origin, Outcome, Provenance, Rejection, ReloadHandle};
use plugins::{Error as PluginError, Event, Options, Plugin, Version};
use prometheus_client::{metrics::gauge::Gauge, registry::Registry};
use tokio::{task::spawn_blocking, time::timeout};

use crate::{derived::Derived, error::Error, events::Source, refused_plugin::RefusedPlugin, state::State};

pub use plugins::init;

/// The key of the plugin.
const KEY: &str = "plugins.greeter";

/// Upper bound on the wait of a request for the plugin.
const PATIENCE: Duration = Duration::from_secs(5);

/// The words for a client that is not on this machine.
const PUBLIC: &str = "the plugin was changed, but the new one does not work; the last good one stays";

/// The plugin in force, and the one of the edit that is being decided. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Greeter(Arc<Shared>);

#[derive(Default)]
struct Shared {
    current: Mutex<Option<Followed>>,
    edit: Mutex<Edit>,
    /// The library of the last edit, if that was rejected.
    refused: Mutex<Option<RefusedPlugin>>,
    state: OnceLock<Arc<State>>,
    reload: OnceLock<ReloadHandle>,
}

/// An edit that was checked and is not in force.
#[derive(Default)]
enum Edit {
    /// It keeps the plugin.
    #[default]
    None,
    /// It has another plugin, or none.
    Other(Option<Followed>),
    /// It has another plugin, which was not taken.
    Refused(Option<RefusedPlugin>),
}

struct Followed {
    wanted: Wanted,
    plugin: Plugin,
}

/// The settings of a plugin.
#[derive(Clone, PartialEq, Eq)]
struct Wanted {
    path: PathBuf,
    sha256: Option<String>,
}

/// The plugin of one configuration. It does not keep the watching alive.
pub(crate) struct Reader(Option<Plugin>);

/// The version of the plugin that one request sees.
pub(crate) struct Snapshot(Option<Arc<Version>>);
pub(crate) struct PluginMetrics {
    mappings: Gauge,
}

impl Greeter {
    /// Loads the plugin of an edit, before the edit is in force.
    pub(crate) fn check(&self, config: &AppConfig, provenance: &Provenance) -> Vec<Rejection> {
        let wanted = match Wanted::of(config, provenance) {
            Ok(wanted) => wanted,
            Err(rejection) => return vec![rejection],
        };
        if lock(&self.0.current).as_ref().map(|current| &current.wanted) == wanted.as_ref() {
            *lock(&self.0.edit) = Edit::None;
            return Vec::new();
        }
        if let (Edit::Other(Some(checked)), Some(wanted)) = (&*lock(&self.0.edit), &wanted)
            && checked.wanted == *wanted
        {
            return Vec::new();
        }
        let reload = self.0.reload.get();
        let path = wanted.as_ref().map(|wanted| wanted.path.clone());
        let watched = path.zip(reload).map(|(path, reload)| RefusedPlugin::watch(path, reload.clone()));
        let (edit, rejections) = match wanted.map(|wanted| self.follow(wanted)).transpose() {
            Ok(followed) => (Edit::Other(followed), Vec::new()),
            Err(rejection) => (Edit::Refused(watched), vec![rejection]),
        };
        *lock(&self.0.edit) = edit;
        rejections
    }

    /// The plugin of the configuration that was checked last.
    pub(crate) fn reader(&self) -> Reader {
        let reader = |followed: &Followed| followed.plugin.reader();
        Reader(match &*lock(&self.0.edit) {
            Edit::None | Edit::Refused(_) => lock(&self.0.current).as_ref().map(reader),
            Edit::Other(followed) => followed.as_ref().map(reader),
        })
    }

    /// Puts the plugin of the first configuration in force, and those of the edits together with them.
    pub(crate) fn commit_edits(&self, configs: &Configs<AppConfig, Derived>, state: &Arc<State>) {
        let _ = self.0.state.set(Arc::clone(state));
        let _ = self.0.reload.set(configs.reload_handle());
        self.commit()();
        let greeter = self.clone();
        configs.on_prepare(move |_, _| Ok(greeter.commit()));
        let greeter = self.clone();
        configs.on_event(move |event| {
            if matches!(event, configs::Event::Attempt(_)) {
                let refused = match std::mem::take(&mut *lock(&greeter.0.edit)) {
                    Edit::Refused(refused) => refused,
                    // It failed another check, if it has another plugin.
                    Edit::None | Edit::Other(_) => None,
                };
                let old = std::mem::replace(&mut *lock(&greeter.0.refused), refused);
                drop(old);
            }
        });
    }

    /// Why changes of the file may be noticed late now.
    pub(crate) fn degraded(&self) -> Vec<Degraded> {
        lock(&self.0.current).as_ref().map(|current| current.plugin.degraded()).unwrap_or_default()
    }

    fn follow(&self, wanted: Wanted) -> Result<Followed, Rejection> {
        let options = Options { sha256: wanted.sha256.clone(), ..Options::default() };
        let shared = Arc::downgrade(&self.0);
        let plugin = Plugin::follow(&wanted.path, options, move |event| {
            if let Some(shared) = shared.upgrade() {
                shared.changed(&event);
            }
        });
        let is_retried = self.0.reload.get().is_some();
        let plugin = plugin.map_err(|error| rejection(&error, &wanted.path, is_retried));
        plugin.map(|plugin| Followed { wanted, plugin })
    }

    fn commit(&self) -> Commit {
        let Edit::Other(next) = std::mem::take(&mut *lock(&self.0.edit)) else { return configs::no_op() };
        let greeter = self.clone();
        Box::new(move || {
            if let Some(next) = &next {
                log_version(&next.plugin.snapshot());
            }
            let old = std::mem::replace(&mut *lock(&greeter.0.current), next);
            // It waits for the thread that watches the old file.
            drop(old);
            if let Some(state) = greeter.0.state.get() {
                state.events().solved(Source::Plugins);
            }
        })
    }
}

impl Shared {
    /// The file of the plugin has changed.
    fn changed(&self, event: &Event) {
        let Some(state) = self.state.get() else { return };
        let outcome = match event {
            Event::Swapped(version) => {
                log_version(version);
                Outcome::Accepted
            }
            Event::Unchanged => Outcome::Unchanged,
            Event::Rejected(error) => {
                tracing::warn!("kept the last good plugin: {error}");
                state.events().problem(Source::Plugins, &error.to_string(), PUBLIC);
                Outcome::Rejected
            }
            Event::Degraded(how) => return tracing::warn!("the plugin: {how}"),
            Event::Recovered(how) => return tracing::info!("the plugin: no longer: {how}"),
        };
        state.metrics().counted(Source::Plugins, outcome.as_str());
        if outcome != Outcome::Rejected {
            state.events().solved(Source::Plugins);
        }
    }
}

impl Wanted {
    /// The settings, or nothing without a plugin. A relative path counts from the folder of the file that names it.
    fn of(config: &AppConfig, provenance: &Provenance) -> Result<Option<Wanted>, Rejection> {
        let Some(path) = &config.plugins.greeter else { return Ok(None) };
        for key in [KEY, "plugins.sha256"] {
            // A client that may set values at run time could otherwise run any code as this process.
            if matches!(provenance.origin(key), Some(Origin::Runtime(_))) {
                let words = "a plugin is code, so it cannot be set at run time: edit the file";
                return Err(Rejection::new(key, words));
            }
        }
        let folder = match provenance.origin(KEY) {
            Some(Origin::File { path, .. }) => path.parent().unwrap_or(Path::new("")).to_owned(),
            _ => PathBuf::new(),
        };
        Ok(Some(Wanted { path: folder.join(path), sha256: config.plugins.sha256.clone() }))
    }
}

impl Reader {
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot(self.0.as_ref().map(Plugin::snapshot))
    }
}

impl Snapshot {
    /// No plugin is asked.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Asks the plugin, on a thread that may wait.
    pub(crate) fn greet(
        &self,
        path: &'static str,
        name: String,
    ) -> impl Future<Output = Result<String, Error>> + Send + use<> {
        let version = self.0.clone();
        async move {
            let version = version.ok_or_else(|| Error::NotFound { path: path.to_owned() })?;
            let asked = Arc::clone(&version);
            match timeout(PATIENCE, spawn_blocking(move || asked.greet(&name))).await {
                Ok(Ok(answer)) => answer.map_err(Error::internal),
                Ok(Err(ended)) => Err(Error::internal(ended)),
                Err(_) => {
                    let Version { name, version, .. } = &*version;
                    tracing::warn!(
                        "the plugin `{name}` {version} did not answer within {} s",
                        PATIENCE.as_secs()
                    );
                    Err(Error::Unavailable { sentence: "the plugin did not answer, try again in a moment" })
                }
            }
        }
    }
}

impl PluginMetrics {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let metrics = Self { mappings: Gauge::default() };
        registry.register(
            "plugin_mappings",
            "Libraries that were loaded; none is ever unloaded",
            metrics.mappings.clone(),
        );
        metrics
    }

    /// Takes the figures over.
    pub(crate) fn read(&self) {
        self.mappings.set(i64::try_from(plugins::mappings()).unwrap_or(i64::MAX));
    }
}

/// The rejection of an edit, or of a start, which is not retried. The path is left to the help, which a visitor does not see.
fn rejection(error: &PluginError, path: &Path, is_retried: bool) -> Rejection {
    let key = if matches!(error, PluginError::Digest { .. }) { "plugins.sha256" } else { KEY };
    let shown = format!("`{}`", path.display());
    let place =
        format!("the file is {shown}; a relative path counts from the folder of the file that names it");
    let retry = if is_retried { "; this edit is tried again when the file changes" } else { "" };
    Rejection::new(key, error.to_string().replace(&shown, "the file")).help(format!("{place}{retry}"))
}

fn log_version(version: &Version) {
    let Version { name, version, sha256, .. } = version;
    tracing::info!("the plugin `{name}` {version} is in force (SHA-256 {sha256})");
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
