//! One request, from its arrival to its answer.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;

use crate::{edition::Edition, error::Error, route::Route};

/// The names of the headers that every answer carries, in the order of [`Visit::headers`].
pub const HEADERS: [&str; 4] =
    ["x-config-generation", "x-instance", "x-request-id", "x-content-type-options"];

/// What a framework says about a request.
pub struct Arrival<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The path as the client wrote it, without the query.
    pub path: &'a str,
    /// The two ends of the connection, the client's first.
    pub ends: Option<(SocketAddr, SocketAddr)>,
    /// How many `Host` headers there are.
    pub hosts: usize,
    /// The first value of a header, named in lower case.
    pub header: &'a dyn Fn(&str) -> Option<&'a [u8]>,
}

/// A request under way, with the one configuration that it sees. Cheap to clone.
#[derive(Clone)]
pub struct Visit(Arc<Inner>);

struct Inner {
    edition: Arc<Edition>,
    route: Route,
    local: bool,
    /// The address of ours that the client knows.
    reached: Option<IpAddr>,
    admitted: Result<(), Error>,
    headers: Headers,
    started: Instant,
    /// Method and path, if an access line will want them.
    asked: Option<String>,
}

struct Headers {
    instance: Bytes,
    /// Plain ASCII.
    request_id: Bytes,
}

impl Visit {
    pub(crate) fn new(
        arrival: &Arrival<'_>,
        edition: Arc<Edition>,
        route: Route,
        local: bool,
        admitted: Result<(), Error>,
        instance: Bytes,
        new_id: impl FnOnce() -> Bytes,
    ) -> Self {
        let request_id =
            (arrival.header)("x-request-id").and_then(sane).map_or_else(new_id, Bytes::copy_from_slice);
        let asked =
            tracing::enabled!(tracing::Level::DEBUG).then(|| format!("{} {}", arrival.method, arrival.path));
        Self(Arc::new(Inner {
            edition,
            route,
            local,
            reached: arrival.ends.map(|(_, ours)| ours.ip()),
            admitted,
            headers: Headers { instance, request_id },
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
        let Headers { instance, request_id } = &self.0.headers;
        let generation = self.0.edition.generation();
        [generation.clone(), instance.clone(), request_id.clone(), Bytes::from_static(b"nosniff")]
    }

    /// What a handler's panic is answered with; the panic itself is in the log already.
    pub fn panicked(&self) -> Error {
        self.broken(&"the handler panicked")
    }

    /// The visitor hears one plain sentence; the cause goes to the log here, once.
    pub(crate) fn broken(&self, cause: &dyn fmt::Display) -> Error {
        tracing::error!(request = self.request_id(), "the answer broke: {cause}");
        Error::Internal
    }

    pub(crate) fn edition(&self) -> &Arc<Edition> {
        &self.0.edition
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

    pub(crate) fn request_id(&self) -> &str {
        std::str::from_utf8(&self.0.headers.request_id).unwrap_or_default()
    }

    pub(crate) fn started(&self) -> Instant {
        self.0.started
    }

    pub(crate) fn asked(&self) -> Option<&str> {
        self.0.asked.as_deref()
    }
}

/// A caller's request id, if it can stand in a log line and in a header: 1 to 128 letters, digits, `-`, `_` or `.`.
fn sane(id: &[u8]) -> Option<&[u8]> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    ((1..=128).contains(&id.len()) && id.iter().all(plain)).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::sane;

    #[test]
    fn only_a_plain_request_id_is_taken_over() {
        for (id, expected) in [
            ("7f-a_b.C", true),
            (&"x".repeat(128), true),
            (&"x".repeat(129), false),
            ("", false),
            ("a b", false),
            ("a\"b", false),
            ("é", false),
        ] {
            assert_eq!(sane(id.as_bytes()).is_some(), expected, "{id}");
        }
    }
}
