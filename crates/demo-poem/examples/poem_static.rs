//! The same server without the site: `/dynamic-config` and `/` are answered with the bytes of the files
//! `dynamic-config` and `index`. What `just bench` measures the demo against.
//!
//! It binds the port that is its argument.

use std::{convert::Infallible, env, fs, io, sync::Arc};

use bytes::Bytes;
use lifecycle::{Drain, Endpoint, Socket, Terms};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Endpoint as _, Request, Response, Route, endpoint::make_sync, get, http::uri::Scheme};
use tower::service_fn;

fn main() -> io::Result<()> {
    let socket = Socket::bind_host("localhost", port()).map_err(io::Error::other)?;
    let dynamic_config = Bytes::from(fs::read("dynamic-config")?);
    let index = Bytes::from(fs::read("index")?);
    let json = make_sync(move |_| answer("application/json", &dynamic_config));
    let page = make_sync(move |_| answer("text/html; charset=utf-8", &index));
    let routes = Arc::new(Route::new().at("/dynamic-config", get(json)).at("/", get(page)));
    let service = service_fn(move |request| {
        let routes = Arc::clone(&routes);
        let request = Request::from((request, LocalAddr::default(), RemoteAddr::default(), Scheme::HTTP));
        async move { Ok::<_, Infallible>(poem::http::Response::from(routes.get_response(request).await)) }
    });
    let endpoint = Endpoint::new(socket, Drain::new(Terms::default(), false));
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(lifecycle::serve(endpoint, service))
}

fn answer(kind: &'static str, body: &Bytes) -> Response {
    Response::builder().content_type(kind).body(body.clone())
}

fn port() -> u16 {
    env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(8080)
}
