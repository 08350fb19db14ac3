//! What stands before every handler.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, LazyLock};

use futures_util::FutureExt;
use lifecycle::Connection;
use poem::http::header::{HOST, HeaderName, HeaderValue};
use poem::{Endpoint, IntoResponse, Request, Response};
use site::{Arrival, Site, Visit};

use crate::{failure::Failure, routes::not_allowed};

/// What every answer carries.
static HEADERS: LazyLock<[HeaderName; 4]> = LazyLock::new(|| site::HEADERS.map(HeaderName::from_static));

/// Lets a request through to its handler with the one configuration that it sees, or answers it.
///
/// It puts the site where the handlers find it, too, and is no middleware: each would move the request once more.
pub(crate) async fn admission(
    site: Site,
    mut request: Request,
    next: Arc<impl Endpoint<Output = Response>>,
) -> Response {
    let visit = visit(&site, &request);
    let mut response = if let Err(error) = visit.admitted() {
        Failure(error).into_response()
    } else {
        request.set_data(site.clone());
        request.set_data(visit.clone());
        let answer = AssertUnwindSafe(next.call(request)).catch_unwind().await;
        answer.unwrap_or_else(|_| Err(Failure(visit.panicked()).into())).unwrap_or_else(not_allowed)
    };
    for (name, value) in HEADERS.iter().zip(visit.headers()) {
        if let Ok(value) = HeaderValue::from_maybe_shared(value) {
            response.headers_mut().insert(name, value);
        }
    }
    site.answered(&visit, response.status().as_u16());
    response
}

fn visit(site: &Site, request: &Request) -> Visit {
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
