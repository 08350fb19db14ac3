//! The operational routes. Their answers are bytes from the site.

use std::future::ready;

use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpResponse, Resource};
use site::{Answer, Operation, Site};

use crate::config::Config;
use crate::middleware::guard;
use crate::routes::read;

/// The operational routes, the guarded ones first.
pub(crate) fn operations(app: &mut ServiceConfig) {
    app.service(operation("/config/history", Site::history).wrap(from_fn(guard)))
        .service(operation("/metrics", Site::metrics).wrap(from_fn(guard)))
        .service(operation("/page.js", Site::page_script))
        .service(operation("/healthz", Site::healthz))
        .service(operation("/readyz", Site::readyz));
}

fn operation(path: &str, answer: Operation) -> Resource {
    read(path, move |site: Data<Site>, config: Config| {
        let Answer { status, content_type, body } = answer(&site, &config);
        let status = StatusCode::from_u16(status).unwrap_or_default();
        ready(HttpResponse::build(status).content_type(content_type).body(body))
    })
}
