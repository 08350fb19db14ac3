//! The head of a request.

use std::{net::SocketAddr, sync::Arc};

use tokio::sync::Notify;

/// The part of a request's head that the site decides by.
pub struct RequestHead<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The path as the client wrote it, without the query.
    pub path: &'a str,
    /// The query, without the `?`.
    pub query: Option<&'a str>,
    /// The host in the target, which only the absolute form has: `GET http://host/path`.
    pub target_host: Option<&'a str>,
    /// The two ends of the connection, the client's first.
    pub ends: Option<(SocketAddr, SocketAddr)>,
    /// Is notified when the client has closed its half of the connection.
    pub half_closed: Option<&'a Arc<Notify>>,
    /// The number of `Host` headers.
    pub hosts: usize,
    /// The first value of a header, named in lower case.
    pub header: &'a dyn Fn(&str) -> Option<&'a [u8]>,
}
