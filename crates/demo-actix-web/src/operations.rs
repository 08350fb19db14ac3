//! The operational routes. Their answers are bytes from the site.

use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Bytes, Data, PayloadConfig, ServiceConfig};
use actix_web::{HttpResponse, Resource};
use site::{Answer, BODY_LIMIT, Operation, Site};

use crate::config::Config;
use crate::failure::Failure;
use crate::middleware::{catch_panic, guard};
use crate::routes::read;

/// Mounts the operational routes of the site, the guarded ones first.
pub(crate) fn operations(app: &mut ServiceConfig) {
    let overrides = web::resource("/config/overrides/{key:.*}").app_data(PayloadConfig::new(BODY_LIMIT));
    let override_key = web::to(override_key).wrap(from_fn(catch_panic));
    app.service(overrides.route(override_key).wrap(from_fn(guard)));
    for operation in Operation::guarded() {
        app.service(mount(operation).wrap(from_fn(guard)));
    }
    for operation in Operation::open() {
        app.service(mount(operation));
    }
}

fn mount(operation: &'static Operation) -> Resource {
    read(operation.path(), async |site: Data<Site>, config: Config| {
        operation.answer(&site, &config).await.map(respond).map_err(Failure)
    })
}

/// Shows, sets or takes back a value at run time.
async fn override_key(site: Data<Site>, config: Config, body: Bytes) -> Result<HttpResponse, Failure> {
    Ok(respond(site.override_key(&config, &body).await?))
}

/// The site's answer as a response.
pub(crate) fn respond(Answer { status, headers, body }: Answer) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::from_u16(status).unwrap_or_default());
    for header in headers {
        response.insert_header(header);
    }
    response.body(body)
}
