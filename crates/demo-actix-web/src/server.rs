//! The server.

use std::io;

use actix_web::{App, middleware::from_fn, web::Data};
use lifecycle::{Endpoint, actix};
use site::Site;

use crate::{admission::admission, routes::routes};

/// Serves the site at the endpoint until it is drained.
pub(crate) async fn serve(site: Site, endpoint: Endpoint) -> io::Result<()> {
    // Made here, once: every worker makes an `App` of its own.
    let site = Data::new(site);
    let app = move || {
        let app = App::new().app_data(site.clone());
        app.wrap(from_fn(admission)).wrap(from_fn(actix::paced)).configure(routes)
    };
    actix::serve(endpoint, app).await
}
