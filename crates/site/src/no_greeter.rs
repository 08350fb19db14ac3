//! Stands for `greeter.rs` in a build without the feature `plugins`.
#![expect(clippy::unused_self, reason = "the same methods as there")]

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use configs::{AppConfig, Configs, Degraded, Provenance, Rejection};
use prometheus_client::registry::Registry;

use crate::{derived::Derived, error::Error, state::State};

/// There is no child process to be.
pub fn init() {}

/// No plugin.
#[derive(Clone, Default)]
pub(crate) struct Greeter(());

/// No plugin.
pub(crate) struct Reader;

/// No plugin.
pub(crate) struct Snapshot;

/// No metrics.
pub(crate) struct PluginMetrics;

impl Greeter {
    /// Refuses what cannot be put in force.
    pub(crate) fn check(&self, config: &AppConfig, _: &Provenance) -> Vec<Rejection> {
        let refused = config.plugins.greeter.as_ref().map(|_| {
            Rejection::new("plugins.greeter", "this program was built without the feature `plugins`")
        });
        refused.into_iter().collect()
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader
    }

    pub(crate) fn commit_edits(&self, _: &Configs<AppConfig, Derived>, _: &Arc<State>) {}

    pub(crate) fn degraded(&self) -> Vec<Degraded> {
        Vec::new()
    }
}

impl Reader {
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot
    }
}

impl Snapshot {
    pub(crate) fn none() -> Self {
        Self
    }

    pub(crate) fn greet(&self, path: &'static str, _: String) -> Ready<Result<String, Error>> {
        ready(Err(Error::NotBuilt { path: path.to_owned(), feature: "plugins" }))
    }
}

impl PluginMetrics {
    pub(crate) fn new(_: &mut Registry) -> Self {
        Self
    }

    pub(crate) fn read(&self) {}
}

#[cfg(test)]
mod tests {
    use super::Snapshot;

    #[test]
    fn a_route_without_its_feature_names_it() {
        let error = Snapshot.greet("/greet", "World".to_owned()).into_inner().unwrap_err();
        assert_eq!(error.answer().status, 404);
        assert_eq!(error.answer().body, r#"{"error":"not found","feature":"plugins","path":"/greet"}"#);
    }
}
