//! The routes and their handlers, in the order of the contract.

use actix_web::body::{BoxBody, None};
use actix_web::guard::{Any, Get, Head};
use actix_web::http::header::{self, ContentType};
use actix_web::http::{Method, StatusCode, Version};
use actix_web::web::{self, Bytes, Data, ReqData, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder};
use site::{CONTENT_SECURITY_POLICY, Site, Visit};

use crate::failure::Failure;

/// The routes of the site.
pub(crate) fn routes(app: &mut ServiceConfig) {
    app.service(read("/", index))
        .service(read("/dynamic-config", dynamic_config))
        .service(read("/events", events))
        .service(read("/page.js", script))
        .service(read("/config/history", history))
        .service(read("/healthz", healthz))
        .service(read("/readyz", readyz))
        .service(read("/metrics", metrics))
        .default_service(web::to(configured));
}

/// The page.
async fn index(site: Data<Site>, visit: ReqData<Visit>) -> Result<impl Responder, Failure> {
    // `web::Html` wants a `String`.
    Ok(HttpResponse::Ok()
        .content_type(ContentType::html())
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(site.page(&visit)?))
}

/// The dynamic part of the configuration, with its validator.
async fn dynamic_config(site: Data<Site>, visit: ReqData<Visit>) -> impl Responder {
    let document = site.dynamic_config(&visit);
    let etag = (header::ETAG, document.etag);
    if visit.is_known() {
        HttpResponse::NotModified().insert_header(etag).finish()
    } else {
        HttpResponse::Ok().insert_header(etag).content_type(ContentType::json()).body(document.json)
    }
}

/// What happens, as it happens.
async fn events(site: Data<Site>, visit: ReqData<Visit>, request: HttpRequest) -> impl Responder {
    let mut response = HttpResponse::Ok();
    response.content_type("text/event-stream").insert_header((header::CACHE_CONTROL, "no-cache"));
    if request.method() == Method::HEAD {
        // A stream would be waited for to its end.
        return response.finish().set_body(BoxBody::new(None::new()));
    }
    let mut response = response.streaming(site.events(&visit));
    // HTTP/1.0 would get chunks too.
    response.head_mut().no_chunking(request.version() == Version::HTTP_10);
    response
}

/// The script that follows the events.
async fn script(site: Data<Site>) -> impl Responder {
    HttpResponse::Ok()
        .content_type("text/javascript")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(site.script())
}

/// The configuration's attempts.
async fn history(site: Data<Site>) -> impl Responder {
    json(site.history())
}

/// Whether the process can answer.
async fn healthz(site: Data<Site>) -> impl Responder {
    json(site.healthz())
}

/// Whether the process wants to be asked.
async fn readyz(site: Data<Site>, visit: ReqData<Visit>) -> impl Responder {
    let (status, body) = site.readyz(&visit);
    (json(body), StatusCode::from_u16(status).unwrap_or_default())
}

/// The figures.
async fn metrics(site: Data<Site>) -> impl Responder {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(site.metrics())
}

/// A path from the configuration, or none.
async fn configured(
    site: Data<Site>,
    visit: ReqData<Visit>,
    request: HttpRequest,
) -> Result<impl Responder, Failure> {
    Ok(site.configured(&visit, request.method().as_str(), request.uri().path())?)
}

/// A path that can only be read.
async fn not_allowed() -> Result<HttpResponse, Failure> {
    Err(Failure(site::Error::MethodNotAllowed))
}

// `web::Json` would serialize what is JSON already.
fn json(body: impl Into<Bytes>) -> impl Responder {
    HttpResponse::Ok().content_type(ContentType::json()).body(body.into())
}

// `web::get` alone leaves HEAD and every other method to the default service.
fn read<T: FromRequest + 'static>(
    path: &str,
    handler: impl Handler<T, Output: Responder + 'static>,
) -> Resource {
    let reading = web::route().guard(Any(Get()).or(Head()));
    web::resource(path).route(reading.to(handler)).default_service(web::to(not_allowed))
}
