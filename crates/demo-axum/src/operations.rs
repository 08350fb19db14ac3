//! The operational routes. Their answers are bytes from the site.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::middleware::from_fn;
use axum::routing::{MethodRouter, get};
use site::{Answer, Operation, Site};

use crate::config::Config;
use crate::middleware::guard;

/// The operational routes, the guarded ones first.
pub(crate) fn operations() -> Router<Site> {
    Router::new()
        .route("/config/history", operation(Site::history))
        .route("/metrics", operation(Site::metrics))
        .route_layer(from_fn(guard))
        .route("/page.js", operation(Site::page_script))
        .route("/healthz", operation(Site::healthz))
        .route("/readyz", operation(Site::readyz))
}

fn operation(answer: Operation) -> MethodRouter<Site> {
    get(async move |State(site): State<Site>, config: Config| {
        let Answer { status, content_type, body } = answer(&site, &config);
        (StatusCode::from_u16(status).unwrap_or_default(), [(CONTENT_TYPE, content_type)], body)
    })
}
