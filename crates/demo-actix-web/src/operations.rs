//! The operational routes. Their answers are bytes from the site.

use std::future::ready;

use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Bytes, Data, PayloadConfig, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource};
use site::{Answer, BODY_LIMIT, Operation, Site};

use crate::config::Config;
use crate::failure::Failure;
use crate::middleware::{catch_panic, guard};
use crate::routes::read;

/// The operational routes, the guarded ones first.
pub(crate) fn operations(app: &mut ServiceConfig) {
    let override_key = web::to(override_key).wrap(from_fn(catch_panic));
    let override_key = web::resource("/config/overrides/{key:.*}").route(override_key);
    app.service(operation("/config/history", Site::history).wrap(from_fn(guard)))
        .service(operation("/config/overrides", Site::overrides).wrap(from_fn(guard)))
        .service(override_key.app_data(PayloadConfig::new(BODY_LIMIT)).wrap(from_fn(guard)))
        .service(operation("/metrics", Site::metrics).wrap(from_fn(guard)))
        .service(operation("/page.js", Site::page_script))
        .service(operation("/healthz", Site::healthz))
        .service(operation("/readyz", Site::readyz));
}

fn operation(path: &str, answer: Operation) -> Resource {
    read(path, move |site: Data<Site>, config: Config| ready(respond(answer(&site, &config))))
}

/// Shows, sets or takes back a value at run time.
async fn override_key(site: Data<Site>, request: HttpRequest, body: Bytes) -> Result<HttpResponse, Failure> {
    let (method, uri) = (request.method(), request.uri());
    Ok(respond(site.override_key(method.as_str(), uri.path(), uri.query(), &body).await?))
}

fn respond(Answer { status, content_type, body }: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or_default();
    HttpResponse::build(status).content_type(content_type).body(body)
}
