//! The built-in routes, and what sets them apart from one another.

/// A built-in route, or how else a path was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Route {
    Index,
    DynamicConfig,
    Events,
    Database,
    Greet,
    Script,
    History,
    Overrides,
    Healthz,
    Readyz,
    Metrics,
    /// A path from the configuration's `routes:`.
    Configured,
    Unknown,
}

/// The routes with a path of their own.
const BUILT_IN: [Route; 11] = [
    Route::Index,
    Route::DynamicConfig,
    Route::Events,
    Route::Database,
    Route::Greet,
    Route::Script,
    Route::History,
    Route::Overrides,
    Route::Healthz,
    Route::Readyz,
    Route::Metrics,
];

/// The path of the values that are set at run time. Below it, each has a path of its own.
pub(crate) const OVERRIDES: &str = "/config/overrides";

/// Routes that are exempt from the rate limit and maintenance mode.
const EXEMPT: [Route; 7] = [
    Route::Healthz,
    Route::Readyz,
    Route::Events,
    Route::Script,
    Route::History,
    Route::Overrides,
    Route::Metrics,
];

impl Route {
    /// Number of routes.
    pub(crate) const ALL: usize = Route::Unknown as usize + 1;

    /// The built-in route at this path.
    pub(crate) fn of(path: &str) -> Option<Route> {
        let key = path.strip_prefix(OVERRIDES).and_then(|rest| rest.strip_prefix('/'));
        let is_key = key.is_some_and(|key| !key.is_empty());
        if is_key {
            Some(Route::Overrides)
        } else {
            BUILT_IN.into_iter().find(|route| route.pattern() == path)
        }
    }

    /// The paths of the built-in routes.
    pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
        BUILT_IN.into_iter().map(Route::pattern)
    }

    /// The label under which a request is counted.
    pub(crate) fn pattern(self) -> &'static str {
        match self {
            Route::Index => "/",
            Route::DynamicConfig => "/dynamic-config",
            Route::Events => "/events",
            Route::Database => "/database",
            Route::Greet => "/greet",
            Route::Script => "/page.js",
            Route::History => "/config/history",
            Route::Overrides => OVERRIDES,
            Route::Healthz => "/healthz",
            Route::Readyz => "/readyz",
            Route::Metrics => "/metrics",
            Route::Configured => "configured",
            Route::Unknown => "other",
        }
    }

    pub(crate) fn is_exempt(self) -> bool {
        EXEMPT.contains(&self)
    }

    pub(crate) fn is_guarded(self) -> bool {
        matches!(self, Route::History | Route::Overrides | Route::Metrics)
    }
}

#[cfg(test)]
mod tests {
    use super::Route;

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
            assert_eq!(Route::of(path).map(Route::pattern), Some(path));
        }
        assert_eq!(Route::of("/config/overrides/routes./ping"), Some(Route::Overrides));
        for path in ["", "/x", "/config/overrides/", "/config/overridesx", "/healthz/", "//", "/Metrics"] {
            assert_eq!(Route::of(path), None, "{path}");
        }
    }
}
