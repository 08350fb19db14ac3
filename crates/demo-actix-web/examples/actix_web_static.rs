//! The same server without the site: `/dynamic-config` and `/` are answered with the bytes of the files `dynamic-config` and
//! `index`, under the headers of `dynamic-config.head` and `index.head`. `just bench` compares the demo with it.
//!
//! It binds the port that is its argument.

use std::{env, fs, future::ready, io};

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{App, HttpResponse, HttpServer, rt::System, web};
use bytes::Bytes;
use lifecycle::Timeouts;

fn main() -> io::Result<()> {
    let dynamic_config = answer("dynamic-config")?;
    let index = answer("index")?;
    let app = move || {
        let (json, page) = (dynamic_config.clone(), index.clone());
        App::new()
            .route("/dynamic-config", web::get().to(move || ready(json())))
            .route("/", web::get().to(move || ready(page())))
    };
    let timeouts = Timeouts::default();
    let server = HttpServer::new(app).client_request_timeout(timeouts.head).keep_alive(timeouts.head);
    let server = server.h1_allow_half_closed(false);
    System::new().block_on(async { server.bind(("127.0.0.1", port()))?.run().await })
}

fn answer(file: &str) -> io::Result<impl Fn() -> HttpResponse + Clone + use<>> {
    let (head, body) = (head(&format!("{file}.head"))?, Bytes::from(fs::read(file)?));
    Ok(move || {
        let mut response = HttpResponse::Ok();
        for header in &head {
            response.insert_header(header.clone());
        }
        response.body(body.clone())
    })
}

/// The headers in a file, one a line; what a server adds by itself is not in it.
fn head(file: &str) -> io::Result<Vec<(HeaderName, HeaderValue)>> {
    let parse = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.parse().ok()?, value.parse().ok()?))
    };
    Ok(fs::read_to_string(file)?.lines().filter_map(parse).collect())
}

fn port() -> u16 {
    env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(8080)
}
