//! The same server without the site: `/dynamic-config` and `/` are answered with the bytes of the files
//! `dynamic-config` and `index`. What `just bench` measures the demo against.
//!
//! It binds the port that is its argument.

use std::{env, fs, io};

use bytes::Bytes;
use lifecycle::{Drain, Endpoint, Socket, Terms};
use warp::{Filter, Reply, http::Response, reply::with_header};

fn main() -> io::Result<()> {
    let socket = Socket::bind_host("localhost", port()).map_err(io::Error::other)?;
    let dynamic_config = Bytes::from(fs::read("dynamic-config")?);
    let index = Bytes::from(fs::read("index")?);
    let json = warp::path!("dynamic-config").map(move || answer("application/json", &dynamic_config));
    let page = warp::path::end().map(move || answer("text/html; charset=utf-8", &index));
    let routes = warp::service(warp::get().and(json.or(page)));
    let endpoint = Endpoint::new(socket, Drain::new(Terms::default(), false));
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(lifecycle::serve(endpoint, routes))
}

fn answer(kind: &'static str, body: &Bytes) -> impl Reply + use<> {
    with_header(Response::new(body.clone()), "content-type", kind)
}

fn port() -> u16 {
    env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(8080)
}
