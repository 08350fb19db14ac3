//! The middleware around the routes.

use std::any::Any;
use std::convert::Infallible;

use bytes::Bytes;
use http_body::Body;
use lifecycle::Connection;
use site::{BODY_LIMIT, RequestHead, Site};
use tower::{BoxError, Service, ServiceBuilder, service_fn};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::{Level, Span};
use warp::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, HOST, HeaderName, HeaderValue, IF_NONE_MATCH,
    X_CONTENT_TYPE_OPTIONS,
};
use warp::http::{HeaderMap, Request, Response, StatusCode};
use warp::reply::{self, Reply};
use warp::{Filter, Rejection};

use crate::config::{Config, config};
use crate::failure::Failure;

static GENERATION: HeaderName = HeaderName::from_static("x-config-generation");
static INSTANCE: HeaderName = HeaderName::from_static("x-instance");
static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts the middleware around the routes. The first one is the outermost.
pub(crate) fn around<B>(
    routes: impl Filter<Extract = (impl Reply,), Error = Infallible> + Clone + Send + Sync + 'static,
    site: Site,
) -> impl Service<
    Request<B>,
    Response = Response<impl Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static>,
    Error = Infallible,
    Future: Send,
> + Clone
+ Send
+ 'static
where
    B: Body<Error: Into<BoxError>> + Send + Sync + 'static,
{
    let instance = HeaderValue::from_str(site.instance()).expect("an instance is letters and digits");
    let level = if site.access_log() { Level::INFO } else { Level::DEBUG };
    let access_log = TraceLayer::new_for_http()
        .make_span_with(request_span)
        .on_request(())
        .on_response(DefaultOnResponse::new().level(level))
        .on_eos(())
        .on_failure(());
    let routes = ServiceBuilder::new()
        .layer(CatchPanicLayer::custom(panicked))
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .service(warp::service(routes));
    ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(REQUEST_ID.clone(), MakeRequestUuid))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID.clone()))
        .layer(access_log)
        .layer(SetResponseHeaderLayer::overriding(INSTANCE.clone(), instance))
        .layer(set(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(set(CACHE_CONTROL, "no-cache"))
        .service(service_fn(move |request| admission(site.clone(), request, routes.clone())))
}

/// The request in its access line. The log's filter knows the access lines by this target.
fn request_span<B>(request: &Request<B>) -> Span {
    let request_id = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok());
    let (method, uri) = (request.method(), request.uri());
    tracing::info_span!(target: "tower_http::trace", "request", %method, %uri, version = ?request.version(), request_id)
}

/// Takes the configuration of a request, and counts its answer. The filter [`admitted`] refuses the request or lets it
/// through.
///
/// A filter cannot put anything into the request for the next one, so this is a service around all of them.
async fn admission<B, R>(
    site: Site,
    mut request: Request<B>,
    mut next: impl Service<Request<B>, Response = Response<R>, Error = Infallible>,
) -> Result<Response<R>, Infallible> {
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
    let mut response = next.call(request).await?;
    response.headers_mut().insert(&GENERATION, HeaderValue::from(config.generation()));
    let request_id = request_id.as_ref().map(HeaderValue::as_bytes);
    site.answered(&config, response.status().as_u16(), request_id, response.extensions().get());
    Ok(response)
}

/// Rejects a request that the admission has refused.
pub(crate) fn admitted() -> impl Filter<Extract = (), Error = Rejection> + Clone + Send + Sync + 'static {
    let decide = async |config: Config| config.admitted().map_err(|error| Rejection::from(Failure(error)));
    config().and_then(decide).untuple_one()
}

/// Keeps the guarded routes to those who may see them.
pub(crate) fn guard() -> impl Filter<Extract = (), Error = Rejection> + Clone + Send + Sync + 'static {
    let decide = async |config: Config| config.authorized().map_err(|error| Rejection::from(Failure(error)));
    config().and_then(decide).untuple_one()
}

/// Adds the `ETag` of the dynamic configuration. A client that has it already gets 304.
pub(crate) fn etag(
    handler: impl Filter<Extract = (impl Reply + 'static,), Error = Rejection> + Clone + Send + Sync + 'static,
) -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone + Send + Sync + 'static {
    config().and(warp::header::headers_cloned()).and(handler).map(
        |config: Config, headers: HeaderMap, answer| {
            let etag = config.derived();
            let known = headers.get(IF_NONE_MATCH).is_some_and(|tags| etag.is_known_to(tags.as_bytes()));
            let response =
                if known { StatusCode::NOT_MODIFIED.into_response() } else { Reply::into_response(answer) };
            reply::with_header(response, ETAG, etag.etag())
        },
    )
}

/// The content security policy of the page.
pub(crate) fn page_policy() -> reply::with::WithHeader {
    reply::with::header(CONTENT_SECURITY_POLICY, site::CONTENT_SECURITY_POLICY)
}

fn set(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

fn panicked(_: Box<dyn Any + Send>) -> reply::Response {
    Failure(site::Error::internal("the handler panicked")).into_response()
}
