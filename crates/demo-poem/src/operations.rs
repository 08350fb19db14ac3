//! The operational routes. Their answers are bytes from the site.

use poem::http::StatusCode;
use poem::web::Data;
use poem::{
    Body, EndpointExt, Error, FromRequest, IntoResponse, Request, Response, Result, Route, RouteMethod,
    endpoint, get, handler,
};
use site::{Answer, BODY_LIMIT, Operation, Site};

use crate::config::Config;
use crate::failure::Failure;
use crate::middleware::guard;

/// The operational routes, the guarded ones first.
pub(crate) fn operations(routes: Route) -> Route {
    routes
        .at("/config/history", operation(Site::history).around(guard))
        .at("/config/overrides", operation(Site::overrides).around(guard))
        .at("/config/overrides/*key", override_key.around(guard))
        .at("/metrics", operation(Site::metrics).around(guard))
        .at("/page.js", operation(Site::page_script))
        .at("/healthz", operation(Site::healthz))
        .at("/readyz", operation(Site::readyz))
}

fn operation(answer: Operation) -> RouteMethod {
    get(endpoint::make(move |request: Request| async move {
        let Data(site) = Data::<&Site>::from_request_without_body(&request).await?;
        let config = <&Config>::from_request_without_body(&request).await?;
        Ok::<_, Error>(respond(answer(site, config)))
    }))
}

/// Shows, sets or takes back a value at run time.
#[handler]
async fn override_key(Data(site): Data<&Site>, request: &Request, body: Body) -> Result<Response> {
    let body = body.into_bytes_limit(BODY_LIMIT).await?;
    let (method, uri) = (request.method(), request.uri());
    Ok(respond(site.override_key(method.as_str(), uri.path(), uri.query(), &body).await.map_err(Failure)?))
}

fn respond(Answer { status, content_type, body }: Answer) -> Response {
    let response = Body::from(body).with_content_type(content_type);
    response.with_status(StatusCode::from_u16(status).unwrap_or_default()).into_response()
}
