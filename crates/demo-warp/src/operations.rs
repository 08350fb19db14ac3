//! The operational routes. Their answers are bytes from the site.

use site::{Answer, Operation, Site};
use warp::http::header::CONTENT_TYPE;
use warp::http::{Response, StatusCode};
use warp::{Filter, Rejection, Reply, reply};

use crate::config::{Config, config};
use crate::middleware::guard;
use crate::routes::read;

/// The operational routes, the guarded ones first.
pub(crate) fn operations(
    site: Site,
) -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone + Send + Sync + 'static {
    let operation = move |answer| operation(site.clone(), answer);
    (warp::path!("config" / "history").and(read()).and(guard()).and(operation(Site::history)))
        .or(warp::path!("metrics").and(read()).and(guard()).and(operation(Site::metrics)))
        .or(warp::path!("page.js").and(read()).and(operation(Site::page_script)))
        .or(warp::path!("healthz").and(read()).and(operation(Site::healthz)))
        .or(warp::path!("readyz").and(read()).and(operation(Site::readyz)))
}

fn operation(
    site: Site,
    answer: Operation,
) -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone + Send + Sync + 'static {
    config().map(move |config: Config| {
        let Answer { status, content_type, body } = answer(&site, &config);
        let response = reply::with_header(Response::new(body), CONTENT_TYPE, content_type);
        reply::with_status(response, StatusCode::from_u16(status).unwrap_or_default())
    })
}
