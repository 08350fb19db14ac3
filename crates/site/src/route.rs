//! The routes, and what sets them apart from one another.

use configs::AppConfig;

use crate::{
    operation::{OPERATIONS, Operation},
    overrides,
};

/// A route, or how else a path was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Index,
    DynamicConfig,
    Events,
    Database,
    Greet,
    /// A path from the configuration's `routes:`.
    Configured,
    Unknown,
    /// The number of an operational route.
    Operation(usize),
}

/// The routes that are built in, but for the operational ones.
const OWN: [Route; 5] = [Route::Index, Route::DynamicConfig, Route::Events, Route::Database, Route::Greet];

impl Route {
    /// Number of routes.
    pub(crate) const ALL: usize = Route::Operation(OPERATIONS.len()).number();

    /// The route of this path.
    pub(crate) fn of(path: &str, config: &AppConfig) -> Route {
        if let Some(own) = OWN.into_iter().find(|route| route.pattern() == path) {
            return own;
        }
        let operation = if overrides::key_of(path).is_some() { overrides::PATH } else { path };
        let is_asked = |row: &Operation| row.path() == operation && (row.is_on)(config);
        match OPERATIONS.iter().position(is_asked) {
            Some(number) => Route::Operation(number),
            None if config.routes.contains_key(path) => Route::Configured,
            None => Route::Unknown,
        }
    }

    /// The paths of the built-in routes, also of those that are off.
    pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
        OWN.into_iter().map(Route::pattern).chain(OPERATIONS.iter().map(Operation::path))
    }

    /// The label under which a request is counted.
    pub(crate) fn pattern(self) -> &'static str {
        match self {
            Route::Index => "/",
            Route::DynamicConfig => "/dynamic-config",
            Route::Events => "/events",
            Route::Database => "/database",
            Route::Greet => "/greet",
            Route::Configured => "configured",
            Route::Unknown => "other",
            Route::Operation(number) => OPERATIONS[number].path(),
        }
    }

    /// The number of the route, below [`Route::ALL`].
    pub(crate) const fn number(self) -> usize {
        match self {
            Route::Index => 0,
            Route::DynamicConfig => 1,
            Route::Events => 2,
            Route::Database => 3,
            Route::Greet => 4,
            Route::Configured => 5,
            Route::Unknown => 6,
            Route::Operation(number) => 7 + number,
        }
    }

    /// True for the routes whose answer depends on the method or on more than one path.
    pub(crate) fn has_target(self) -> bool {
        matches!(self, Route::Operation(_) | Route::Configured)
    }

    /// True for the routes that are exempt from the rate limit and maintenance mode.
    pub(crate) fn is_exempt(self) -> bool {
        matches!(self, Route::Operation(_) | Route::Events)
    }

    pub(crate) fn is_guarded(self) -> bool {
        matches!(self, Route::Operation(number) if OPERATIONS[number].is_guarded)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use configs::{AppConfig, Snapshot};

    use super::{OPERATIONS, Route};

    const CONFIG: &str = "\
app_name: Testbed
port: 8080
database: {host: db, port: 5432, user: admin, password: correct-horse, name: shop}
settings: {log_level: info, feature_flag_a: true, refresh_interval_seconds: 5}
routes: {/ping: pong}
";

    fn config() -> Arc<Snapshot<AppConfig>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        std::fs::write(&path, CONFIG).unwrap();
        AppConfig::builder().file(path).open().unwrap().snapshot()
    }

    #[test]
    fn a_pattern_names_the_route_it_came_from() {
        for path in [
            "/",
            "/dynamic-config",
            "/events",
            "/database",
            "/greet",
            "/page.js",
            "/config/history",
            "/config/overrides",
            "/healthz",
            "/readyz",
            "/metrics",
        ] {
            assert_eq!(Route::of(path, &config()).pattern(), path);
        }
        assert_eq!(Route::of("/config/overrides/routes./ping", &config()).pattern(), "/config/overrides");
        assert_eq!(Route::of("/ping", &config()), Route::Configured);
        for path in ["", "/x", "/config/overrides/", "/config/overridesx", "/healthz/", "//", "/Metrics"] {
            assert_eq!(Route::of(path, &config()), Route::Unknown, "{path}");
        }
    }

    #[test]
    fn every_route_has_a_number_and_a_path_of_its_own() {
        let routes = || {
            let others = [Route::Configured, Route::Unknown];
            super::OWN.into_iter().chain(others).chain((0..OPERATIONS.len()).map(Route::Operation))
        };
        let numbers: BTreeSet<usize> = routes().map(Route::number).collect();
        assert_eq!(numbers, (0..Route::ALL).collect());
        assert_eq!(routes().map(Route::pattern).collect::<BTreeSet<_>>().len(), Route::ALL);
    }
}
