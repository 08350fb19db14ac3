//! The same server without the site: `/dynamic-config` and `/` are answered with the bytes of the files
//! `dynamic-config` and `index`. What `just bench` and `just bench-cpu` measure the demo against.
//!
//! It takes a supervisor's socket, or binds the port that is its argument.

use std::{env, fs, io};

use axum::{
    Router,
    body::Bytes,
    http::header::{CONTENT_TYPE, HeaderName},
    routing::get,
};
use lifecycle::{Drain, Endpoint, Filter, Format, Logs, Socket, Terms};

fn main() -> io::Result<()> {
    let handed = Socket::take()?;
    let logs = Logs::start(&Filter::parse("info").map_err(io::Error::other)?, Format::Text);
    let socket = match handed {
        Some(socket) => socket,
        None => Socket::bind_host("localhost", port()).map_err(io::Error::other)?,
    };
    let dynamic_config = Bytes::from(fs::read("dynamic-config")?);
    let index = Bytes::from(fs::read("index")?);
    let routes = Router::new()
        .route("/dynamic-config", get(async move || answer("application/json", &dynamic_config)))
        .route("/", get(async move || answer("text/html; charset=utf-8", &index)));
    logs.announce(format_args!("serving http://{}/", socket.address()));
    let endpoint = Endpoint::new(socket, Drain::new(Terms::default(), false));
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(lifecycle::serve(endpoint, routes))
}

fn answer(kind: &'static str, body: &Bytes) -> ([(HeaderName, &'static str); 1], Bytes) {
    ([(CONTENT_TYPE, kind)], body.clone())
}

fn port() -> u16 {
    env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(8080)
}
