//! The routes and their handlers, in the order of the contract.

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::{Extension, Router, handler::Handler};
use site::{CONTENT_SECURITY_POLICY, Site, Visit};

use crate::failure::Failure;

/// The routes of the site.
pub(crate) fn routes(site: Site) -> Router {
    Router::new()
        .route("/", read(index))
        .route("/dynamic-config", read(dynamic_config))
        .route("/events", read(events))
        .route("/page.js", read(script))
        .route("/config/history", read(history))
        .route("/healthz", read(healthz))
        .route("/readyz", read(readyz))
        .route("/metrics", read(metrics))
        .fallback(configured)
        .with_state(site)
}

/// The page.
async fn index(
    State(site): State<Site>,
    Extension(visit): Extension<Visit>,
) -> Result<impl IntoResponse, Failure> {
    let policy = (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    Ok(([policy, (header::CACHE_CONTROL, "no-cache")], Html(site.page(&visit)?)))
}

/// The dynamic part of the configuration, with its validator.
async fn dynamic_config(State(site): State<Site>, Extension(visit): Extension<Visit>) -> Response {
    let document = site.dynamic_config(&visit);
    let etag = [(header::ETAG, document.etag)];
    if visit.is_known() {
        (StatusCode::NOT_MODIFIED, etag).into_response()
    } else {
        (etag, json(document.json)).into_response()
    }
}

/// What happens, as it happens.
async fn events(State(site): State<Site>, Extension(visit): Extension<Visit>) -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    (headers, Body::from_stream(site.events(&visit)))
}

/// The script that follows the events.
async fn script(State(site): State<Site>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript"), (header::CACHE_CONTROL, "no-cache")], site.script())
}

/// The configuration's attempts.
async fn history(State(site): State<Site>) -> impl IntoResponse {
    json(site.history())
}

/// Whether the process can answer.
async fn healthz(State(site): State<Site>) -> impl IntoResponse {
    json(site.healthz())
}

/// Whether the process wants to be asked.
async fn readyz(State(site): State<Site>, Extension(visit): Extension<Visit>) -> impl IntoResponse {
    let (status, body) = site.readyz(&visit);
    (StatusCode::from_u16(status).unwrap_or_default(), json(body))
}

/// The figures.
async fn metrics(State(site): State<Site>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], site.metrics())
}

/// A path from the configuration, or none.
async fn configured(
    State(site): State<Site>,
    Extension(visit): Extension<Visit>,
    request: Request,
) -> Result<impl IntoResponse, Failure> {
    Ok(site.configured(&visit, request.method().as_str(), request.uri().path())?)
}

/// A path that can only be read.
async fn not_allowed() -> Failure {
    Failure(site::Error::MethodNotAllowed)
}

// `axum::Json` would serialize what is JSON already.
fn json(body: impl Into<Bytes>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], body.into())
}

// `get` answers HEAD too; its own answer to other methods has no body.
fn read<T: 'static>(handler: impl Handler<T, Site>) -> MethodRouter<Site> {
    get(handler).fallback(not_allowed)
}
