//! The middleware around the routes.

use std::any::Any;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, HOST, HeaderName, HeaderValue, IF_NONE_MATCH,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use lifecycle::Connection;
use site::{BODY_LIMIT, RequestHead, Site};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::{Level, Span};

use crate::config::Config;
use crate::failure::Failure;

static GENERATION: HeaderName = HeaderName::from_static("x-config-generation");
static INSTANCE: HeaderName = HeaderName::from_static("x-instance");
static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts the middleware around the routes. The first one is the outermost.
pub(crate) fn around(routes: Router, site: Site) -> Router {
    let instance = HeaderValue::from_str(site.instance()).expect("an instance is letters and digits");
    let level = if site.access_log() { Level::INFO } else { Level::DEBUG };
    let access_log = TraceLayer::new_for_http()
        .make_span_with(request_span)
        .on_request(())
        .on_response(DefaultOnResponse::new().level(level))
        .on_eos(())
        .on_failure(());
    routes.layer(
        ServiceBuilder::new()
            .layer(SetRequestIdLayer::new(REQUEST_ID.clone(), MakeRequestUuid))
            .layer(PropagateRequestIdLayer::new(REQUEST_ID.clone()))
            .layer(access_log)
            .layer(SetResponseHeaderLayer::overriding(INSTANCE.clone(), instance))
            .layer(set(X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .layer(set(CACHE_CONTROL, "no-cache"))
            .layer(from_fn_with_state(site, admission))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(RequestBodyLimitLayer::new(BODY_LIMIT)),
    )
}

/// The request in its access line. The log's filter knows the access lines by this target.
fn request_span(request: &Request) -> Span {
    let request_id = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok());
    let (method, uri) = (request.method(), request.uri());
    tracing::info_span!(target: "tower_http::trace", "request", %method, %uri, version = ?request.version(), request_id)
}

/// Takes the configuration of a request, refuses the request or lets it through, and counts its answer.
async fn admission(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let connection = request.extensions().get::<Connection>();
    let config = site.admit(&RequestHead {
        method: request.method().as_str(),
        path: request.uri().path(),
        query: request.uri().query(),
        target_host: request.uri().host(),
        ends: connection.map(|connection| (connection.peer, connection.local)),
        half_closed: connection.map(|connection| &connection.half_closed),
        hosts: request.headers().get_all(HOST).iter().count(),
        header: &|name| request.headers().get(name).map(HeaderValue::as_bytes),
    });
    Connection::routed(connection, config.pattern());
    let request_id = request.headers().get(&REQUEST_ID).cloned();
    request.extensions_mut().insert(config.clone());
    let mut response = match config.admitted() {
        Ok(()) => next.run(request).await,
        Err(error) => Failure(error).into_response(),
    };
    response.headers_mut().insert(&GENERATION, HeaderValue::from(config.generation()));
    let request_id = request_id.as_ref().map(HeaderValue::as_bytes);
    site.answered(&config, response.status().as_u16(), request_id, response.extensions().get());
    response
}

/// Keeps the guarded routes to those who may see them.
pub(crate) async fn guard(config: Config, request: Request, next: Next) -> Result<Response, Failure> {
    config.authorized()?;
    Ok(next.run(request).await)
}

/// Adds the `ETag` of the dynamic configuration. A client that has it already gets 304.
pub(crate) async fn etag(config: Config, headers: HeaderMap, request: Request, next: Next) -> Response {
    let known = headers.get(IF_NONE_MATCH).is_some_and(|tags| config.derived().is_known_to(tags.as_bytes()));
    let response = if known { StatusCode::NOT_MODIFIED.into_response() } else { next.run(request).await };
    ([(ETAG, config.derived().etag())], response).into_response()
}

/// The content security policy of the page.
pub(crate) fn page_policy() -> SetResponseHeaderLayer<HeaderValue> {
    set(CONTENT_SECURITY_POLICY, site::CONTENT_SECURITY_POLICY)
}

fn set(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    Failure(site::Error::internal("the handler panicked")).into_response()
}
