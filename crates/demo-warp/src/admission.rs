//! What stands before every handler.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;

use futures_util::FutureExt;
use lifecycle::Connection;
use site::{Arrival, Site, Visit};
use tower::Service;
use warp::http::Request;
use warp::http::header::{HOST, HeaderName, HeaderValue};
use warp::reply::{Reply, Response};

use crate::failure::Failure;

/// What every answer carries.
static HEADERS: LazyLock<[HeaderName; 4]> = LazyLock::new(|| site::HEADERS.map(HeaderName::from_static));

/// Lets a request through to its handler with the one configuration that it sees, or answers it.
///
/// A filter cannot put anything into the request for the next one, so this stands around them all, as a service.
pub(crate) async fn admission<B>(
    site: Site,
    mut request: Request<B>,
    mut next: impl Service<Request<B>, Response = Response, Error = Infallible>,
) -> Result<Response, Infallible> {
    let visit = visit(&site, &request);
    let mut response = if let Err(error) = visit.admitted() {
        Failure(error).into_response()
    } else {
        request.extensions_mut().insert(visit.clone());
        let answer = AssertUnwindSafe(next.call(request)).catch_unwind().await;
        answer.map_or_else(|_| Failure(visit.panicked()).into_response(), Reply::into_response)
    };
    for (name, value) in HEADERS.iter().zip(visit.headers()) {
        if let Ok(value) = HeaderValue::from_maybe_shared(value) {
            response.headers_mut().insert(name, value);
        }
    }
    site.answered(&visit, response.status().as_u16());
    Ok(response)
}

fn visit<B>(site: &Site, request: &Request<B>) -> Visit {
    let connection = request.extensions().get::<Connection>();
    site.visit(&Arrival {
        method: request.method().as_str(),
        path: request.uri().path(),
        target_host: request.uri().host(),
        ends: connection.map(|connection| (connection.peer, connection.local)),
        half_closed: connection.map(|connection| &connection.half_closed),
        hosts: request.headers().get_all(HOST).iter().count(),
        header: &|name| request.headers().get(name).map(HeaderValue::as_bytes),
    })
}
