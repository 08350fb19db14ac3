//! The routes and their handlers, in the order of the contract.

use std::convert::Infallible;

use bytes::Bytes;
use site::{CONTENT_SECURITY_POLICY, Site, Visit};
use warp::http::{Method, StatusCode, header};
use warp::reply::{self, Reply, Response};
use warp::{Filter, Rejection, path::FullPath};

use crate::failure::Failure;

/// The routes of the site.
pub(crate) fn routes(
    site: Site,
) -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone + Send + Sync + 'static {
    let visited = warp::any().map(move || site.clone()).and(warp::ext::get::<Visit>());
    let site = visited.clone().map(|site, _| site);
    let asked = visited.clone().and(warp::method()).and(warp::path::full());
    (warp::path::end().and(read(visited.clone().then(index))))
        .or(warp::path!("dynamic-config").and(read(visited.clone().then(dynamic_config))))
        .or(warp::path!("events").and(read(visited.clone().then(events))))
        .or(warp::path!("page.js").and(read(site.clone().then(script))))
        .or(warp::path!("config" / "history").and(read(site.clone().then(history))))
        .or(warp::path!("healthz").and(read(site.clone().then(healthz))))
        .or(warp::path!("readyz").and(read(visited.then(readyz))))
        .or(warp::path!("metrics").and(read(site.then(metrics))))
        .or(asked.then(configured))
}

/// The page.
async fn index(site: Site, visit: Visit) -> Result<impl Reply, Failure> {
    let page = reply::html(site.page(&visit)?);
    let page = reply::with_header(page, header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    Ok(reply::with_header(page, header::CACHE_CONTROL, "no-cache"))
}

/// The dynamic part of the configuration, with its validator.
async fn dynamic_config(site: Site, visit: Visit) -> Response {
    let document = site.dynamic_config(&visit);
    if visit.is_known() {
        reply::with_header(StatusCode::NOT_MODIFIED, header::ETAG, document.etag).into_response()
    } else {
        reply::with_header(json(document.json), header::ETAG, document.etag).into_response()
    }
}

/// What happens, as it happens.
async fn events(site: Site, visit: Visit) -> impl Reply {
    let events = reply::stream(site.events(&visit));
    let events = reply::with_header(events, header::CONTENT_TYPE, "text/event-stream");
    reply::with_header(events, header::CACHE_CONTROL, "no-cache")
}

/// The script that follows the events.
async fn script(site: Site) -> impl Reply {
    let script = reply::with_header(site.script(), header::CONTENT_TYPE, "text/javascript");
    reply::with_header(script, header::CACHE_CONTROL, "no-cache")
}

/// The configuration's attempts.
async fn history(site: Site) -> impl Reply {
    json(site.history())
}

/// Whether the process can answer.
async fn healthz(site: Site) -> impl Reply {
    json(site.healthz())
}

/// Whether the process wants to be asked.
async fn readyz(site: Site, visit: Visit) -> impl Reply {
    let (status, body) = site.readyz(&visit);
    reply::with_status(json(body), StatusCode::from_u16(status).unwrap_or_default())
}

/// The figures.
async fn metrics(site: Site) -> impl Reply {
    reply::with_header(site.metrics(), header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")
}

/// A path from the configuration, or none.
async fn configured(site: Site, visit: Visit, method: Method, path: FullPath) -> Result<impl Reply, Failure> {
    Ok(site.configured(&visit, method.as_str(), path.as_str())?)
}

/// A path that can only be read.
async fn not_allowed() -> Failure {
    Failure(site::Error::MethodNotAllowed)
}

// `warp::reply::json` would serialize what is JSON already.
fn json(body: impl Into<Bytes>) -> impl Reply {
    reply::with_header(warp::http::Response::new(body.into()), header::CONTENT_TYPE, "application/json")
}

// `warp::get` alone rejects HEAD, and a rejection has forgotten by the end which path had matched.
fn read<R: Reply>(
    handler: impl Filter<Extract = (R,), Error = Rejection> + Clone + Send + Sync + 'static,
) -> impl Filter<Extract = (impl Reply,), Error = Infallible> + Clone + Send + Sync + 'static {
    warp::get().or(warp::head()).unify().and(handler).or(warp::any().then(not_allowed))
}
