//! The same server without the site: `/dynamic-config` and `/` are answered with the bytes of the files `dynamic-config` and
//! `index`, under the headers of `dynamic-config.head` and `index.head`. `just bench` compares the demo with it.
//!
//! It binds the port that is its argument.

use std::{convert::Infallible, env, fs, io, sync::Arc};

use bytes::Bytes;
use lifecycle::{Drain, DrainTimeouts, Endpoint, Socket};
use poem::http::{HeaderMap, uri::Scheme};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Endpoint as _, Request, Response, Route, endpoint::make_sync, get};
use tower::service_fn;

fn main() -> io::Result<()> {
    let socket = Socket::bind_host("localhost", port()).map_err(io::Error::other)?;
    let dynamic_config = answer("dynamic-config")?;
    let index = answer("index")?;
    let json = make_sync(move |_| dynamic_config());
    let page = make_sync(move |_| index());
    let routes = Arc::new(Route::new().at("/dynamic-config", get(json)).at("/", get(page)));
    let service = service_fn(move |request| {
        let routes = Arc::clone(&routes);
        let request = Request::from((request, LocalAddr::default(), RemoteAddr::default(), Scheme::HTTP));
        async move { Ok::<_, Infallible>(poem::http::Response::from(routes.get_response(request).await)) }
    });
    let endpoint = Endpoint::new(socket, Drain::new(DrainTimeouts::default(), false));
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(lifecycle::serve(endpoint, service))
}

fn answer(file: &str) -> io::Result<impl Fn() -> Response + use<>> {
    let (head, body) = (head(&format!("{file}.head"))?, Bytes::from(fs::read(file)?));
    Ok(move || {
        let mut response = Response::builder().body(body.clone());
        response.headers_mut().clone_from(&head);
        response
    })
}

/// The headers in a file, one a line; what a server adds by itself is not in it.
fn head(file: &str) -> io::Result<HeaderMap> {
    let parse = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.parse().ok()?, value.parse().ok()?))
    };
    Ok(fs::read_to_string(file)?.lines().filter_map(parse).collect())
}

fn port() -> u16 {
    env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(8080)
}
