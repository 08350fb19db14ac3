//! The operational routes. Their answers are bytes from the site.

use bytes::Bytes;
use site::{Answer, Operation, Site};
use warp::filters::BoxedFilter;
use warp::http;
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use crate::config::{Config, config};
use crate::failure::Failure;
use crate::middleware::guard;
use crate::routes::read;

/// Mounts the operational routes of the site, the guarded ones first.
pub(crate) fn operations(site: &Site) -> BoxedFilter<(Response,)> {
    let state = site.clone();
    let state = warp::any().map(move || state.clone());
    let too_large = async |_| Err::<(Bytes,), _>(Rejection::from(Failure(site::Error::BodyTooLarge)));
    let body = warp::body::bytes().or_else(too_large);
    let override_key = guard().and(state).and(config()).and(body).and_then(override_key);
    let overrides = warp::path!("config" / "overrides" / ..).and(override_key).boxed();
    let guarded = Operation::guarded().map(|operation| mount(operation, site.clone(), guard().boxed()));
    let open = Operation::open().map(|operation| mount(operation, site.clone(), warp::any().boxed()));
    guarded.chain(open).fold(overrides, |others, operation| operation.or(others).unify().boxed())
}

fn mount(operation: &'static Operation, site: Site, guard: BoxedFilter<()>) -> BoxedFilter<(Response,)> {
    let segments = operation.path().split('/').skip(1);
    let path = segments.fold(warp::any().boxed(), |path, segment| path.and(warp::path(segment)).boxed());
    let request = path.and(warp::path::end()).and(read()).and(guard).and(config());
    let answer = move |config: Config| {
        let answer = operation.answer(&site, &config);
        async { answer.await.map(respond).map_err(|error| Rejection::from(Failure(error))) }
    };
    request.and_then(answer).boxed()
}

/// Shows, sets or takes back a value at run time.
async fn override_key(site: Site, config: Config, body: Bytes) -> Result<Response, Rejection> {
    Ok(respond(site.override_key(&config, &body).await.map_err(Failure)?))
}

/// The site's answer as a response.
pub(crate) fn respond(Answer { status, headers, body }: Answer) -> Response {
    let response = http::Response::builder().status(status);
    let response = headers.into_iter().fold(response, |response, (name, value)| response.header(name, value));
    response.body(body).into_response()
}
