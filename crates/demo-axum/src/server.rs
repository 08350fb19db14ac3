//! The server.

use std::io;

use lifecycle::Endpoint;
use site::Site;

use crate::middleware::around;
use crate::routes::routes;

/// Serves the site at the endpoint until it is drained.
///
/// `axum::serve` has no header timeout and no deadline, and it closes connections whose request it has not read yet. The
/// router is an HTTP service, so `lifecycle` serves it.
pub(crate) async fn serve(site: Site, endpoint: Endpoint) -> io::Result<()> {
    lifecycle::serve(endpoint, around(routes(site.clone()), site)).await
}
