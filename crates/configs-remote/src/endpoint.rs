//! A host and its port.

use std::fmt::{Display, Formatter};

use url::Url;

/// A host and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) is_tls: bool,
}

impl Endpoint {
    /// The host and the port of a URL; `None` for one without a host.
    pub(crate) fn of(url: &Url) -> Option<Endpoint> {
        let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Endpoint { host, port: url.port_or_known_default()?, is_tls: url.scheme() == "https" })
    }
}

impl Display for Endpoint {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        let Endpoint { host, port, .. } = self;
        if host.contains(':') { write!(out, "[{host}]:{port}") } else { write!(out, "{host}:{port}") }
    }
}
