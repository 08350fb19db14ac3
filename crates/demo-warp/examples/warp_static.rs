//! The same server without the site: `/dynamic-config` and `/` are answered with the bytes of the files `dynamic-config` and
//! `index`, under the headers of `dynamic-config.head` and `index.head`. `just bench` compares the demo with it.
//!
//! It binds the port that is its argument.

use std::{env, fs, io};

use bytes::Bytes;
use lifecycle::{Drain, DrainTimeouts, Endpoint, Socket};
use warp::{
    Filter,
    http::{HeaderMap, Response},
};

fn main() -> io::Result<()> {
    let socket = Socket::bind_host("localhost", port()).map_err(io::Error::other)?;
    let dynamic_config = answer("dynamic-config")?;
    let index = answer("index")?;
    let json = warp::path!("dynamic-config").map(dynamic_config);
    let page = warp::path::end().map(index);
    let routes = warp::service(warp::get().and(json.or(page)));
    let endpoint = Endpoint::new(socket, Drain::new(DrainTimeouts::default(), false));
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(lifecycle::serve(endpoint, routes))
}

fn answer(file: &str) -> io::Result<impl Fn() -> Response<Bytes> + Clone + use<>> {
    let (head, body) = (head(&format!("{file}.head"))?, Bytes::from(fs::read(file)?));
    Ok(move || {
        let mut response = Response::new(body.clone());
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
