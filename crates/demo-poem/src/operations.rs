//! The operational routes. Their answers are bytes from the site.

use poem::http::StatusCode;
use poem::web::Data;
use poem::{
    Body, EndpointExt, FromRequest, Request, Response, Result, Route, RouteMethod, endpoint, get, handler,
};
use site::{Answer, BODY_LIMIT, Operation, Site};

use crate::config::Config;
use crate::failure::Failure;
use crate::middleware::guard;

/// Mounts the operational routes of the site, the guarded ones first.
pub(crate) fn operations(routes: Route) -> Route {
    let routes = routes.at("/config/overrides/*key", override_key.around(guard));
    let guarded = Operation::guarded()
        .fold(routes, |routes, operation| routes.at(operation.path(), mount(operation).around(guard)));
    Operation::open().fold(guarded, |routes, operation| routes.at(operation.path(), mount(operation)))
}

fn mount(operation: &'static Operation) -> RouteMethod {
    get(endpoint::make(async |request: Request| {
        let Data(site) = Data::<&Site>::from_request_without_body(&request).await?;
        let Data(config) = Config::from_request_without_body(&request).await?;
        operation.answer(site, config).await.map(respond).map_err(Failure).map_err(poem::Error::from)
    }))
}

/// Shows, sets or takes back a value at run time.
#[handler]
async fn override_key(Data(site): Data<&Site>, Data(config): Config<'_>, body: Body) -> Result<Response> {
    let body = body.into_bytes_limit(BODY_LIMIT).await?;
    Ok(respond(site.override_key(config, &body).await.map_err(Failure)?))
}

/// The site's answer as a response.
pub(crate) fn respond(Answer { status, headers, body }: Answer) -> Response {
    let response = Response::builder().status(StatusCode::from_u16(status).unwrap_or_default());
    headers.into_iter().fold(response, |response, (name, value)| response.header(name, value)).body(body)
}
