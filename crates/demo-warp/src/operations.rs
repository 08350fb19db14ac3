//! The operational routes. Their answers are bytes from the site.

use bytes::Bytes;
use site::{Answer, Operation, Site};
use warp::http::header::CONTENT_TYPE;
use warp::http::{Method, Response, StatusCode};
use warp::path::FullPath;
use warp::{Filter, Rejection, Reply, reply};

use crate::config::{Config, config};
use crate::failure::Failure;
use crate::middleware::guard;
use crate::routes::read;

/// The operational routes, the guarded ones first.
pub(crate) fn operations(
    site: Site,
) -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone + Send + Sync + 'static {
    let state = site.clone();
    let operation = move |answer| operation(site.clone(), answer);
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    let too_large = async |_| Err::<(Bytes,), _>(Rejection::from(Failure(site::Error::BodyTooLarge)));
    let override_key = warp::any()
        .map(move || state.clone())
        .and(warp::method())
        .and(warp::path::full())
        .and(query)
        .and(warp::body::bytes().or_else(too_large))
        .and_then(override_key);
    (warp::path!("config" / "history").and(read()).and(guard()).and(operation(Site::history)))
        .or(warp::path!("config" / "overrides").and(read()).and(guard()).and(operation(Site::overrides)))
        .or(warp::path!("config" / "overrides" / ..).and(guard()).and(override_key))
        .or(warp::path!("metrics").and(read()).and(guard()).and(operation(Site::metrics)))
        .or(warp::path!("page.js").and(read()).and(operation(Site::page_script)))
        .or(warp::path!("healthz").and(read()).and(operation(Site::healthz)))
        .or(warp::path!("readyz").and(read()).and(operation(Site::readyz)))
}

fn operation(
    site: Site,
    answer: Operation,
) -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone + Send + Sync + 'static {
    config().map(move |config: Config| respond(answer(&site, &config)))
}

/// Shows, sets or takes back a value at run time.
async fn override_key(
    site: Site,
    method: Method,
    path: FullPath,
    query: String,
    body: Bytes,
) -> Result<impl Reply, Rejection> {
    let answer = site.override_key(method.as_str(), path.as_str(), Some(&query), &body).await;
    Ok(respond(answer.map_err(Failure)?))
}

fn respond(Answer { status, content_type, body }: Answer) -> impl Reply {
    let response = reply::with_header(Response::new(body), CONTENT_TYPE, content_type);
    reply::with_status(response, StatusCode::from_u16(status).unwrap_or_default())
}
