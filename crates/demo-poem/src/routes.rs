//! The routes and their handlers, in the order of the contract.

use std::sync::Arc;

use bytes::Bytes;
use poem::error::MethodNotAllowedError;
use poem::http::{StatusCode, header};
use poem::{Body, IntoResponse, Request, Response, handler, web::Data};
use poem::{Endpoint, Route, RouteMethod};
use site::{CONTENT_SECURITY_POLICY, Site, Visit};

use crate::failure::Failure;

/// The routes of the site.
pub(crate) fn routes() -> Route {
    Route::new()
        .at("/", read(index))
        .at("/dynamic-config", read(dynamic_config))
        .at("/events", read(events))
        .at("/page.js", read(script))
        .at("/config/history", read(history))
        .at("/healthz", read(healthz))
        .at("/readyz", read(readyz))
        .at("/metrics", read(metrics))
        // `/*` would take `/` too.
        .at("/<.+>", configured)
}

/// The page.
#[handler]
fn index(Data(site): Data<&Site>, Data(visit): Data<&Visit>) -> Result<impl IntoResponse, Failure> {
    // `poem::web::Html` wants a `String`.
    Ok(Body::from(site.page(visit)?)
        .with_content_type("text/html; charset=utf-8")
        .with_header(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY)
        .with_header(header::CACHE_CONTROL, "no-cache"))
}

/// The dynamic part of the configuration, with its validator.
#[handler]
fn dynamic_config(Data(site): Data<&Site>, Data(visit): Data<&Visit>) -> Response {
    let document = site.dynamic_config(visit);
    if visit.is_known() {
        StatusCode::NOT_MODIFIED.with_header(header::ETAG, document.etag).into_response()
    } else {
        json(document.json).with_header(header::ETAG, document.etag).into_response()
    }
}

/// What happens, as it happens.
#[handler]
fn events(Data(site): Data<&Site>, Data(visit): Data<&Visit>) -> impl IntoResponse {
    Body::from_bytes_stream(site.events(visit))
        .with_content_type("text/event-stream")
        .with_header(header::CACHE_CONTROL, "no-cache")
}

/// The script that follows the events.
#[handler]
fn script(Data(site): Data<&Site>) -> impl IntoResponse {
    site.script().with_content_type("text/javascript").with_header(header::CACHE_CONTROL, "no-cache")
}

/// The configuration's attempts.
#[handler]
fn history(Data(site): Data<&Site>) -> impl IntoResponse {
    json(site.history())
}

/// Whether the process can answer.
#[handler]
fn healthz(Data(site): Data<&Site>) -> impl IntoResponse {
    json(site.healthz())
}

/// Whether the process wants to be asked.
#[handler]
fn readyz(Data(site): Data<&Site>, Data(visit): Data<&Visit>) -> impl IntoResponse {
    let (status, body) = site.readyz(visit);
    (StatusCode::from_u16(status).unwrap_or_default(), json(body))
}

/// The figures.
#[handler]
fn metrics(Data(site): Data<&Site>) -> impl IntoResponse {
    site.metrics().with_content_type("text/plain; version=0.0.4; charset=utf-8")
}

/// A path from the configuration, or none.
#[handler]
fn configured(
    Data(site): Data<&Site>,
    Data(visit): Data<&Visit>,
    request: &Request,
) -> Result<impl IntoResponse, Failure> {
    Ok(site.configured(visit, request.method().as_str(), request.uri().path())?)
}

/// A path that can only be read, if that is the error. Asked for once, by the admission: `catch_error` would go around each route.
pub(crate) fn not_allowed(error: poem::Error) -> Response {
    if error.is::<MethodNotAllowedError>() {
        Failure(site::Error::MethodNotAllowed).into_response()
    } else {
        error.into_response()
    }
}

// `poem::web::Json` would serialize what is JSON already, and adds a charset.
fn json(body: impl Into<Bytes>) -> impl IntoResponse {
    Body::from(body.into()).with_content_type("application/json")
}

// `poem::get` alone answers HEAD without the length that GET has.
fn read(handler: impl Endpoint + 'static) -> RouteMethod {
    let handler = Arc::new(handler);
    RouteMethod::new().get(Arc::clone(&handler)).head(handler)
}
