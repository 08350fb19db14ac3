//! One request: its head, and the configuration that it sees.

use std::{net::IpAddr, ops::Deref, sync::Arc, time::Instant};

use tokio::sync::Notify;
use views::Templates;

use crate::{
    admission, derived::Config, error::Error, greeter::Snapshot, guard, request_head::RequestHead,
    route::Route, visitor::Visitor,
};

/// A request under way, with its only snapshot of the configuration and of the templates. Cheap to clone.
#[derive(Clone)]
pub struct RequestContext(Arc<Inner>);

struct Inner {
    config: Arc<Config>,
    templates: Arc<Templates>,
    route: Route,
    /// The decision about the request, before its route is looked at.
    admitted: Result<(), Error>,
    /// The decision about the request if its route is guarded. It refuses on all other routes.
    authorized: Result<(), Error>,
    /// For `/events` alone.
    is_local: bool,
    /// The address of ours that the client knows.
    reached: Option<IpAddr>,
    /// For `/events` alone.
    half_closed: Option<Arc<Notify>>,
    /// For `/greet` alone.
    greeter: Snapshot,
    /// For operational routes and those of the configuration.
    target: Option<Target>,
    started: Instant,
}

struct Target {
    method: String,
    path: String,
    query: Option<String>,
}

impl RequestContext {
    pub(crate) fn new(
        head: &RequestHead<'_>,
        config: Arc<Config>,
        templates: Arc<Templates>,
        route: Route,
    ) -> Self {
        let greeter =
            if route == Route::Greet { config.derived().greeter().snapshot() } else { Snapshot::none() };
        Self(Arc::new(Inner {
            admitted: admission::admit(&config, route, head),
            authorized: admission::authorize(&config, route, head),
            config,
            templates,
            route,
            is_local: route == Route::Events && guard::is_local(head),
            reached: head.ends.map(|(_, ours)| ours.ip()),
            half_closed: head.half_closed.filter(|_| route == Route::Events).cloned(),
            greeter,
            target: route.has_target().then(|| Target::of(head)),
            started: Instant::now(),
        }))
    }

    /// The set of templates that was in force together with the configuration.
    pub fn templates(&self) -> &Templates {
        &self.0.templates
    }

    /// Decides about every request: refuses one over the limit, during maintenance, to an unknown path, or too large.
    pub fn admitted(&self) -> Result<(), Error> {
        self.0.admitted.clone()
    }

    /// Decides about a guarded route: with an `admin_token` set the client has to send it, else it has to be local.
    pub fn authorized(&self) -> Result<(), Error> {
        self.0.authorized.clone()
    }

    /// Asks the version of the plugin that was in force when the request began. It answers 404 without a plugin.
    pub fn greet(&self, visitor: Visitor) -> impl Future<Output = Result<String, Error>> + Send + use<> {
        self.0.greeter.greet(Route::Greet.pattern(), visitor.name)
    }

    /// The text of the request's path in the configuration's `routes:`.
    pub fn configured_text(&self) -> Result<String, Error> {
        match self.routes.get(self.path()) {
            None => Err(Error::NotFound { path: self.path().to_owned() }),
            Some(_) if !matches!(self.method(), "GET" | "HEAD") => Err(Error::MethodNotAllowed),
            Some(text) => Ok(text.clone()),
        }
    }

    /// The path of the route, under which the metrics count the request; `configured` or `other` for the rest.
    pub fn pattern(&self) -> &'static str {
        self.0.route.pattern()
    }

    pub(crate) fn route(&self) -> Route {
        self.0.route
    }

    /// The method of a request of an operational or a configured route.
    pub(crate) fn method(&self) -> &str {
        self.0.target.as_ref().map_or("", |target| &target.method)
    }

    /// The path of a request of an operational or a configured route, as the client wrote it.
    pub(crate) fn path(&self) -> &str {
        self.0.target.as_ref().map_or("", |target| &target.path)
    }

    /// The query of a request of an operational or a configured route, without the `?`.
    pub(crate) fn query(&self) -> Option<&str> {
        self.0.target.as_ref()?.query.as_deref()
    }

    pub(crate) fn is_local(&self) -> bool {
        self.0.is_local
    }

    pub(crate) fn reached(&self) -> Option<IpAddr> {
        self.0.reached
    }

    pub(crate) fn half_closed(&self) -> Option<Arc<Notify>> {
        self.0.half_closed.clone()
    }

    pub(crate) fn started(&self) -> Instant {
        self.0.started
    }
}

impl Target {
    fn of(head: &RequestHead<'_>) -> Target {
        let (method, path) = (head.method.to_owned(), head.path.to_owned());
        Target { method, path, query: head.query.map(str::to_owned) }
    }
}

impl Deref for RequestContext {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.0.config
    }
}
