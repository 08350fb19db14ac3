//! The server.

use std::io;

use actix_web::web::Data;
use lifecycle::{Endpoint, actix};
use site::Site;

use crate::middleware::around;
use crate::routes::routes;

/// Serves the site at the endpoint until it is drained.
///
/// actix-web is no HTTP service on hyper's types, so `lifecycle` has a driver of its own for it.
pub(crate) async fn serve(site: Site, endpoint: Endpoint) -> io::Result<()> {
    // Every worker makes an `App` of its own from this.
    let site = Data::new(site);
    actix::serve(endpoint, move || around(routes, site.clone())).await
}
