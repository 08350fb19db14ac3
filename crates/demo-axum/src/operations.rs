//! The operational routes. Their answers are bytes from the site.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::{any, get};
use site::{Answer, Operation, Site};

use crate::config::Config;
use crate::failure::Failure;
use crate::middleware::guard;

/// Mounts the operational routes of the site, the guarded ones first.
pub(crate) fn operations() -> Router<Site> {
    let overrides = Router::new().route("/config/overrides/{*key}", any(override_key));
    let guarded = Operation::guarded().fold(overrides, mount).route_layer(from_fn(guard));
    Operation::open().fold(guarded, mount)
}

fn mount(routes: Router<Site>, operation: &'static Operation) -> Router<Site> {
    let handler = async |State(site): State<Site>, config: Config| {
        operation.answer(&site, &config).await.map(respond).map_err(Failure)
    };
    routes.route(operation.path(), get(handler))
}

/// Shows, sets or takes back a value at run time.
async fn override_key(
    State(site): State<Site>,
    config: Config,
    body: Bytes,
) -> Result<impl IntoResponse, Failure> {
    Ok(respond(site.override_key(&config, &body).await?))
}

/// The site's answer as a response.
pub(crate) fn respond(Answer { status, headers, body }: Answer) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or_default();
    (status, AppendHeaders(headers), Body::from(body)).into_response()
}
