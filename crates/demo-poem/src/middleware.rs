//! The middleware around the routes.

use std::any::Any;
use std::sync::Arc;

use lifecycle::Connection;
use poem::error::MethodNotAllowedError;
use poem::http::StatusCode;
use poem::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, HOST, HeaderValue, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS,
};
use poem::middleware::{CatchPanic, RequestId, ReuseId, SetHeader, Tracing};
use poem::{Endpoint, EndpointExt, FromRequest, IntoResponse, Request, Response, Result, Route};
use site::{RequestHead, Site};

use crate::config::Config;
use crate::failure::Failure;

const GENERATION: &str = "x-config-generation";
const INSTANCE: &str = "x-instance";

/// Puts the middleware around the routes. The last one is the outermost.
pub(crate) fn around(routes: Route, site: Site) -> impl Endpoint<Output = Response> {
    let headers = SetHeader::new()
        .overriding(INSTANCE, site.instance().to_owned())
        .overriding(X_CONTENT_TYPE_OPTIONS, "nosniff")
        .overriding(CACHE_CONTROL, "no-cache");
    routes
        .data(site.clone())
        .catch_error(async |_: MethodNotAllowedError| Failure(site::Error::MethodNotAllowed))
        .with(CatchPanic::new().with_handler(panicked))
        .around(move |next, request| admission(site.clone(), request, next))
        .with(headers)
        .with(Tracing)
        .with(RequestId::new().reuse_id(ReuseId::Use))
}

/// Takes the configuration of a request, refuses the request or lets it through, and counts its answer.
async fn admission(
    site: Site,
    mut request: Request,
    next: Arc<impl Endpoint<Output = Response>>,
) -> Result<Response> {
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
    let request_id = request.data::<poem::middleware::ReqId>().map(ToString::to_string);
    request.set_data(config.clone());
    let mut response = match config.admitted() {
        Ok(()) => next.get_response(request).await,
        Err(error) => Failure(error).into_response(),
    };
    response.headers_mut().insert(GENERATION, HeaderValue::from(config.generation()));
    let request_id = request_id.as_ref().map(String::as_bytes);
    site.answered(&config, response.status().as_u16(), request_id, response.extensions().get());
    Ok(response)
}

/// Keeps the guarded routes to those who may see them.
pub(crate) async fn guard<E: Endpoint>(next: Arc<E>, request: Request) -> Result<E::Output> {
    let config = Config::from_request_without_body(&request).await?;
    config.authorized().map_err(Failure)?;
    next.call(request).await
}

/// Adds the `ETag` of the dynamic configuration. A client that has it already gets 304.
pub(crate) async fn etag<E: Endpoint>(next: Arc<E>, request: Request) -> Result<Response> {
    let config = Config::from_request_without_body(&request).await?.clone();
    let tags = request.headers().get(IF_NONE_MATCH);
    let known = tags.is_some_and(|tags| config.derived().is_known_to(tags.as_bytes()));
    let response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        next.call(request).await?.into_response()
    };
    Ok(response.with_header(ETAG, config.derived().etag()).into_response())
}

/// The content security policy of the page.
pub(crate) fn page_policy() -> SetHeader {
    SetHeader::new().overriding(CONTENT_SECURITY_POLICY, site::CONTENT_SECURITY_POLICY)
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    Failure(site::Error::internal("the handler panicked")).into_response()
}
