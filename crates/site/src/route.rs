//! The built-in routes, and what sets them apart from one another.

/// A built-in route, or how else a path was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Route {
    Index,
    DynamicConfig,
    Events,
    Script,
    History,
    Healthz,
    Readyz,
    Metrics,
    /// A path from the configuration's `routes:`.
    Configured,
    Unknown,
}

/// What the page's address is not exempt from, these are: the limit and the maintenance.
const EXEMPT: [Route; 6] =
    [Route::Healthz, Route::Readyz, Route::Events, Route::Script, Route::History, Route::Metrics];

impl Route {
    /// How many there are.
    pub(crate) const ALL: usize = Route::Unknown as usize + 1;

    pub(crate) fn of(path: &str) -> Option<Route> {
        Some(match path {
            "/" => Route::Index,
            "/dynamic-config" => Route::DynamicConfig,
            "/events" => Route::Events,
            "/page.js" => Route::Script,
            "/config/history" => Route::History,
            "/healthz" => Route::Healthz,
            "/readyz" => Route::Readyz,
            "/metrics" => Route::Metrics,
            _ => return None,
        })
    }

    /// The label under which a request is counted.
    pub(crate) fn pattern(self) -> &'static str {
        match self {
            Route::Index => "/",
            Route::DynamicConfig => "/dynamic-config",
            Route::Events => "/events",
            Route::Script => "/page.js",
            Route::History => "/config/history",
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

    /// Whether something depends on who asks.
    pub(crate) fn minds_the_visitor(self) -> bool {
        self.is_guarded() || self == Route::Events
    }

    pub(crate) fn is_guarded(self) -> bool {
        matches!(self, Route::History | Route::Metrics)
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
            "/page.js",
            "/config/history",
            "/healthz",
            "/readyz",
            "/metrics",
        ] {
            assert_eq!(Route::of(path).map(Route::pattern), Some(path));
        }
        for path in ["", "/x", "/healthz/", "//", "/Metrics"] {
            assert_eq!(Route::of(path), None, "{path}");
        }
    }
}
