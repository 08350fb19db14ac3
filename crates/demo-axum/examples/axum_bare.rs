//! The bare framework: axum on its own server, as its documentation has it, answers `/bare` with a word.
//!
//! `cargo run -p demo-axum --example axum_bare -- 127.0.0.1:8080`. `just bench` compares the demo with it.

use std::{env, io};

use axum::{Router, routing::get};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let routes = Router::new().route("/bare", get(async || "pong"));
    axum::serve(TcpListener::bind(address).await?, routes).await
}
