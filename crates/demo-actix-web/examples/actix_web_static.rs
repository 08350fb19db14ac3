//! The same server without the site: `/dynamic-config` and `/` are answered with the bytes of the files
//! `dynamic-config` and `index`. What `just bench` measures the demo against.
//!
//! It binds the port that is its argument.

use std::{env, fs, future::ready, io};

use actix_web::{App, HttpResponse, HttpServer, http::header::ContentType, rt::System, web};
use bytes::Bytes;
use lifecycle::Patience;

fn main() -> io::Result<()> {
    let dynamic_config = Bytes::from(fs::read("dynamic-config")?);
    let index = Bytes::from(fs::read("index")?);
    let app = move || {
        let (json, page) = (dynamic_config.clone(), index.clone());
        App::new()
            .route("/dynamic-config", web::get().to(move || ready(answer(ContentType::json(), &json))))
            .route("/", web::get().to(move || ready(answer(ContentType::html(), &page))))
    };
    let patience = Patience::default();
    let server = HttpServer::new(app).client_request_timeout(patience.head).keep_alive(patience.head);
    let server = server.h1_allow_half_closed(false);
    System::new().block_on(async { server.bind(("127.0.0.1", port()))?.run().await })
}

fn answer(kind: ContentType, body: &Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).body(body.clone())
}

fn port() -> u16 {
    env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(8080)
}
