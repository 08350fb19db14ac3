//! The middleware around the routes.

use std::panic::AssertUnwindSafe;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, HOST, HeaderName, HeaderValue, IF_NONE_MATCH,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::{DefaultHeaders, Logger, Next, from_fn};
use actix_web::web::{Data, ServiceConfig};
use actix_web::{App, Error, HttpMessage, HttpResponse, ResponseError};
use futures_util::FutureExt;
use lifecycle::{Connection, actix::paced};
use log::Level;
use site::{RequestHead, Site};
use uuid::Uuid;

use crate::config::Config;
use crate::failure::Failure;

static GENERATION: HeaderName = HeaderName::from_static("x-config-generation");
static INSTANCE: HeaderName = HeaderName::from_static("x-instance");
static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts the middleware around the routes. The last one is the outermost.
pub(crate) fn around(
    routes: fn(&mut ServiceConfig),
    site: Data<Site>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let level = if site.access_log() { Level::Info } else { Level::Debug };
    // `%{x-request-id}i` would write a client's bytes as they are.
    let request_id_text = |request: &ServiceRequest| {
        request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or("-").to_owned()
    };
    let access_log = Logger::new(r#"%a "%r" %s %T request_id=%{request_id}xi"#)
        .custom_request_replace("request_id", request_id_text)
        .log_level(level);
    let headers = DefaultHeaders::new()
        .add((INSTANCE.clone(), site.instance()))
        .add((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((CACHE_CONTROL, "no-cache"));
    App::new()
        .app_data(site)
        .configure(routes)
        .wrap(from_fn(admission))
        .wrap(headers)
        .wrap(access_log)
        .wrap(from_fn(request_id))
        .wrap(from_fn(paced))
}

/// Takes the configuration of a request, refuses the request or lets it through, and counts its answer.
async fn admission(
    site: Data<Site>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, Error> {
    let connection = request.conn_data::<Connection>();
    let config = site.admit(&RequestHead {
        method: request.method().as_str(),
        path: request.uri().path(),
        query: request.uri().query(),
        target_host: request.uri().host(),
        ends: connection.map(|connection| (connection.peer, connection.local)),
        half_closed: connection.map(|connection| &connection.half_closed),
        hosts: request.headers().get_all(HOST).count(),
        header: &|name| request.headers().get(name).map(HeaderValue::as_bytes),
    });
    Connection::routed(connection, config.pattern());
    let request_id = request.headers().get(&REQUEST_ID).cloned();
    request.extensions_mut().insert(config.clone());
    let mut response = match config.admitted() {
        Ok(()) => next.call(request).await?.map_into_boxed_body(),
        Err(error) => request.into_response(Failure(error).error_response()),
    };
    response.headers_mut().insert(GENERATION.clone(), HeaderValue::from(config.generation()));
    let request_id = request_id.as_ref().map(HeaderValue::as_bytes);
    let status = response.status().as_u16();
    site.answered(&config, status, request_id, response.response().extensions().get());
    Ok(response)
}

/// Keeps the guarded routes to those who may see them.
pub(crate) async fn guard(
    config: Config,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, Error> {
    match config.authorized() {
        Ok(()) => Ok(next.call(request).await?.map_into_boxed_body()),
        Err(error) => Ok(request.into_response(Failure(error).error_response())),
    }
}

/// Adds the `ETag` of the dynamic configuration. A client that has it already gets 304.
///
/// The middleware of a resource is around its 405 too.
pub(crate) async fn etag(
    config: Config,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, Error> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let tags = request.headers().get(IF_NONE_MATCH);
    let mut response = if tags.is_some_and(|tags| config.derived().is_known_to(tags.as_bytes())) {
        request.into_response(HttpResponse::NotModified())
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    if let Ok(etag) = HeaderValue::from_str(config.derived().etag()) {
        response.headers_mut().insert(ETAG, etag);
    }
    Ok(response)
}

/// The content security policy of the page.
pub(crate) fn page_policy() -> DefaultHeaders {
    DefaultHeaders::new().add((CONTENT_SECURITY_POLICY, site::CONTENT_SECURITY_POLICY))
}

// actix-web has no request ids, and nothing that catches a panic.

/// Gives a request an id, or keeps the one that it came with.
async fn request_id(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let new = || HeaderValue::from_str(&Uuid::new_v4().to_string()).expect("a UUID is hexadecimal digits");
    let id = request.headers().get(&REQUEST_ID).cloned().unwrap_or_else(new);
    request.headers_mut().insert(REQUEST_ID.clone(), id.clone());
    let mut response = next.call(request).await?;
    response.headers_mut().insert(REQUEST_ID.clone(), id);
    Ok(response)
}

/// Answers for a handler that panics. It is around each handler: the router needs the request for itself alone, and
/// the answer needs it again after the panic.
pub(crate) async fn catch_panic(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, Error> {
    let kept = request.request().clone();
    if let Ok(answer) = AssertUnwindSafe(next.call(request)).catch_unwind().await {
        return Ok(answer?.map_into_boxed_body());
    }
    Ok(ServiceResponse::new(kept, Failure(site::Error::internal("the handler panicked")).error_response()))
}
