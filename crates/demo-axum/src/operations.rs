//! The operational routes. Their answers are bytes from the site.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri, header::CONTENT_TYPE};
use axum::middleware::from_fn;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, any, get};
use site::{Answer, Operation, Site};

use crate::config::Config;
use crate::failure::Failure;
use crate::middleware::guard;

/// The operational routes, the guarded ones first.
pub(crate) fn operations() -> Router<Site> {
    Router::new()
        .route("/config/history", operation(Site::history))
        .route("/config/overrides", operation(Site::overrides))
        .route("/config/overrides/{*key}", any(override_key))
        .route("/metrics", operation(Site::metrics))
        .route_layer(from_fn(guard))
        .route("/page.js", operation(Site::page_script))
        .route("/healthz", operation(Site::healthz))
        .route("/readyz", operation(Site::readyz))
}

fn operation(answer: Operation) -> MethodRouter<Site> {
    get(async move |State(site): State<Site>, config: Config| respond(answer(&site, &config)))
}

/// Shows, sets or takes back a value at run time.
async fn override_key(
    State(site): State<Site>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Result<impl IntoResponse, Failure> {
    Ok(respond(site.override_key(method.as_str(), uri.path(), uri.query(), &body).await?))
}

fn respond(Answer { status, content_type, body }: Answer) -> impl IntoResponse {
    (StatusCode::from_u16(status).unwrap_or_default(), [(CONTENT_TYPE, content_type)], body)
}
