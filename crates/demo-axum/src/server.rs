//! The server.

use std::io;

use lifecycle::Endpoint;
use site::Site;
use tower::service_fn;

use crate::{admission::admission, routes::routes};

/// Serves the site at the endpoint until it is drained.
///
/// `axum::serve` has no header timeout and no deadline, and closes connections whose request it has not read yet, so
/// the router is served as what it is at heart, an HTTP service.
pub(crate) async fn serve(site: Site, endpoint: Endpoint) -> io::Result<()> {
    let routes = routes(site.clone());
    let admitted = service_fn(move |request| admission(site.clone(), request, routes.clone()));
    lifecycle::serve(endpoint, admitted).await
}
