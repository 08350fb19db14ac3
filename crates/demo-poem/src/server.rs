//! The server.

use std::{convert::Infallible, io, sync::Arc};

use lifecycle::{Connection, Endpoint};
use poem::http::{self, uri::Scheme};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Endpoint as _, Request};
use site::Site;
use tower::service_fn;

use crate::middleware::around;
use crate::routes::routes;

/// Serves the site at the endpoint until it is drained.
///
/// `poem::Server` has no header timeout, spins when it runs out of descriptors, and closes connections whose request it
/// has not read yet. The endpoint becomes an HTTP service, so `lifecycle` serves it.
pub(crate) async fn serve(site: Site, endpoint: Endpoint) -> io::Result<()> {
    let routes = Arc::new(around(routes(), site));
    let service = service_fn(move |request: http::Request<_>| {
        let (local, remote) = match request.extensions().get::<Connection>() {
            Some(ends) => (LocalAddr(ends.local.into()), RemoteAddr(ends.peer.into())),
            None => Default::default(),
        };
        let request = Request::from((request, local, remote, Scheme::HTTP));
        let routes = Arc::clone(&routes);
        async move { Ok::<_, Infallible>(http::Response::from(routes.get_response(request).await)) }
    });
    lifecycle::serve(endpoint, service).await
}
