//! One request, from its arrival to its answer.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::{derived::Config, error::Error, request_id::RequestId, route::Route};

/// The names of the headers that every answer carries, in the order of [`Visit::headers`].
pub const HEADERS: [&str; 4] =
    ["x-config-generation", "x-instance", "x-request-id", "x-content-type-options"];

/// What a framework says about a request.
pub struct Arrival<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The path as the client wrote it, without the query.
    pub path: &'a str,
    /// The host in the target, which only the absolute form has: `GET http://host/path`.
    pub target_host: Option<&'a str>,
    /// The two ends of the connection, the client's first.
    pub ends: Option<(SocketAddr, SocketAddr)>,
    /// Is notified when the client has closed its half of the connection.
    pub half_closed: Option<&'a Arc<Notify>>,
    /// How many `Host` headers there are.
    pub hosts: usize,
    /// The first value of a header, named in lower case.
    pub header: &'a dyn Fn(&str) -> Option<&'a [u8]>,
}

/// A request under way, with the one configuration that it sees. Cheap to clone.
#[derive(Clone)]
pub struct Visit(Arc<Inner>);

struct Inner {
    config: Arc<Config>,
    route: Route,
    local: bool,
    /// The address of ours that the client knows.
    reached: Option<IpAddr>,
    /// For `/events` alone.
    half_closed: Option<Arc<Notify>>,
    admitted: Result<(), Error>,
    /// The client has the document that it asks for.
    known: bool,
    instance: Bytes,
    request_id: RequestId,
    started: Instant,
    /// Method and path, if an access line will want them.
    asked: Option<String>,
}

impl Visit {
    pub(crate) fn new(
        arrival: &Arrival<'_>,
        config: Arc<Config>,
        route: Route,
        local: bool,
        admitted: Result<(), Error>,
        instance: Bytes,
        number: impl FnOnce() -> u64,
    ) -> Self {
        let request_id = (arrival.header)("x-request-id").and_then(RequestId::of_caller);
        let asked =
            tracing::enabled!(tracing::Level::DEBUG).then(|| format!("{} {}", arrival.method, arrival.path));
        Self(Arc::new(Inner {
            known: route == Route::DynamicConfig
                && config.derived().dynamic_config().is_known_to((arrival.header)("if-none-match")),
            config,
            route,
            local,
            reached: arrival.ends.map(|(_, ours)| ours.ip()),
            half_closed: arrival.half_closed.filter(|_| route == Route::Events).cloned(),
            admitted,
            instance,
            request_id: request_id.unwrap_or_else(|| RequestId::Numbered(number())),
            started: Instant::now(),
            asked,
        }))
    }

    /// Whether the request may go on to its handler.
    ///
    /// # Errors
    /// What it is answered with instead.
    pub fn admitted(&self) -> Result<(), Error> {
        self.0.admitted.clone()
    }

    /// What every answer carries under [`HEADERS`].
    pub fn headers(&self) -> [Bytes; 4] {
        let Inner { config, instance, request_id, .. } = &*self.0;
        let request_id = request_id.text(instance);
        [config.derived().generation().clone(), instance.clone(), request_id, Bytes::from_static(b"nosniff")]
    }

    /// Whether the client has this very document of [`Site::dynamic_config`](crate::Site::dynamic_config), by its
    /// `If-None-Match`.
    pub fn is_known(&self) -> bool {
        self.0.known
    }

    /// What a handler's panic is answered with; the panic itself is in the log already.
    pub fn panicked(&self) -> Error {
        self.broken(&"the handler panicked")
    }

    /// The visitor hears one plain sentence; the cause goes to the log here, once.
    pub(crate) fn broken(&self, cause: &dyn fmt::Display) -> Error {
        tracing::error!(request = self.request_id().as_str(), "the answer broke: {cause}");
        Error::Internal
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn route(&self) -> Route {
        self.0.route
    }

    pub(crate) fn is_local(&self) -> bool {
        self.0.local
    }

    pub(crate) fn reached(&self) -> Option<IpAddr> {
        self.0.reached
    }

    pub(crate) fn half_closed(&self) -> Option<Arc<Notify>> {
        self.0.half_closed.clone()
    }

    pub(crate) fn request_id(&self) -> String {
        String::from_utf8_lossy(&self.0.request_id.text(&self.0.instance)).into_owned()
    }

    pub(crate) fn started(&self) -> Instant {
        self.0.started
    }

    pub(crate) fn asked(&self) -> Option<&str> {
        self.0.asked.as_deref()
    }
}
