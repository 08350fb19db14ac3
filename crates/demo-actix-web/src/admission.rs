//! What stands before every handler.

use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HOST, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, error::InternalError, web::Data};
use futures_util::FutureExt;
use lifecycle::Connection;
use site::{Arrival, Site, Visit};

use crate::failure::Failure;

/// What every answer carries.
static HEADERS: LazyLock<[HeaderName; 4]> = LazyLock::new(|| site::HEADERS.map(HeaderName::from_static));

/// Lets a request through to its handler with the one configuration that it sees, or answers it.
pub(crate) async fn admission(
    site: Data<Site>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, Error> {
    let visit = visit(&site, &request);
    let answer: Result<_, Error> = if let Err(error) = visit.admitted() {
        Err(Failure(error).into())
    } else {
        request.extensions_mut().insert(visit.clone());
        let answer = AssertUnwindSafe(next.call(request)).catch_unwind().await;
        answer.unwrap_or_else(|_| Err(Failure(visit.panicked()).into()))
    };
    // An error is no `ServiceResponse` here: that wants the request back, which is lost with a handler that panics.
    let mut answer = answer.map(ServiceResponse::map_into_boxed_body).map_err(HttpResponse::from_error);
    let response = answer.as_mut().map_or_else(|response| response, ServiceResponse::response_mut);
    for (name, value) in HEADERS.iter().zip(visit.headers()) {
        if let Ok(value) = HeaderValue::from_maybe_shared(value) {
            response.headers_mut().insert(name.clone(), value);
        }
    }
    site.answered(&visit, response.status().as_u16());
    answer.map_err(|response| InternalError::from_response("no answer", response).into())
}

fn visit(site: &Site, request: &ServiceRequest) -> Visit {
    let connection = request.conn_data::<Connection>();
    site.visit(&Arrival {
        method: request.method().as_str(),
        path: request.uri().path(),
        target_host: request.uri().host(),
        ends: connection.map(|connection| (connection.peer, connection.local)),
        half_closed: connection.map(|connection| &connection.half_closed),
        hosts: request.headers().get_all(HOST).count(),
        header: &|name| request.headers().get(name).map(HeaderValue::as_bytes),
    })
}
