//! The server.

use std::io;

use axum::body::Body;
use axum::http::Request;
use axum::middleware::from_fn_with_state;
use lifecycle::Endpoint;
use site::Site;
use tower::{Layer, Service, service_fn};

use crate::{admission::admission, routes::routes};

/// Serves the site at the endpoint until it is drained.
///
/// `axum::serve` has no header timeout and no deadline, and closes connections whose request it has not read yet, so
/// the router is served as what it is at heart, an HTTP service.
pub(crate) async fn serve(site: Site, endpoint: Endpoint) -> io::Result<()> {
    // Around them all: as a layer of the router it would be around each, and a refused POST get the `Allow` of its route.
    let admitted = from_fn_with_state(site.clone(), admission).layer(routes(site));
    let service = service_fn(move |request: Request<_>| admitted.clone().call(request.map(Body::new)));
    lifecycle::serve(endpoint, service).await
}
