//! The bare framework: actix-web as its documentation has it answers `/bare` with a word.
//!
//! `cargo run -p demo-actix-web --example actix_web_bare -- 127.0.0.1:8080`. `just bench` compares the demo with it.

use std::{env, io};

use actix_web::{App, HttpServer, rt::System, web};

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let app = || App::new().route("/bare", web::get().to(async || "pong"));
    System::new().block_on(async { HttpServer::new(app).bind(address)?.run().await })
}
