//! The operational routes. Their answers are bytes from the site.

use poem::http::StatusCode;
use poem::web::Data;
use poem::{Body, EndpointExt, Error, FromRequest, IntoResponse, Request, Route, RouteMethod, endpoint, get};
use site::{Answer, Operation, Site};

use crate::config::Config;
use crate::middleware::guard;

/// The operational routes, the guarded ones first.
pub(crate) fn operations(routes: Route) -> Route {
    routes
        .at("/config/history", operation(Site::history).around(guard))
        .at("/metrics", operation(Site::metrics).around(guard))
        .at("/page.js", operation(Site::page_script))
        .at("/healthz", operation(Site::healthz))
        .at("/readyz", operation(Site::readyz))
}

fn operation(answer: Operation) -> RouteMethod {
    get(endpoint::make(move |request: Request| async move {
        let Data(site) = Data::<&Site>::from_request_without_body(&request).await?;
        let config = <&Config>::from_request_without_body(&request).await?;
        let Answer { status, content_type, body } = answer(site, config);
        let response = Body::from(body).with_content_type(content_type);
        Ok::<_, Error>(response.with_status(StatusCode::from_u16(status).unwrap_or_default()))
    }))
}
