//! The same server without the site: `/dynamic-config` and `/` are answered with the bytes of the files
//! `dynamic-config` and `index`. What `just bench-cpu` measures the demo against.

use std::{fs, io};

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
        None => Socket::bind_host("localhost", 8080).map_err(io::Error::other)?,
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
