//! The server.

use std::{convert::Infallible, io, sync::Arc};

use lifecycle::Endpoint;
use poem::Request;
use poem::http::{Response, uri::Scheme};
use poem::web::{LocalAddr, RemoteAddr};
use site::Site;
use tower::service_fn;

use crate::{admission::admission, routes::routes};

/// Serves the site at the endpoint until it is drained.
///
/// `poem::Server` has no header timeout, spins when it runs out of descriptors, and closes connections whose request it
/// has not read yet, so the endpoint is served as what it is at heart, an HTTP service.
pub(crate) async fn serve(site: Site, endpoint: Endpoint) -> io::Result<()> {
    let routes = Arc::new(routes());
    let service = service_fn(move |request| {
        // The ends of the connection are in the request's extensions.
        let request = Request::from((request, LocalAddr::default(), RemoteAddr::default(), Scheme::HTTP));
        let answer = admission(site.clone(), request, Arc::clone(&routes));
        async move { Ok::<_, Infallible>(Response::from(answer.await)) }
    });
    lifecycle::serve(endpoint, service).await
}
