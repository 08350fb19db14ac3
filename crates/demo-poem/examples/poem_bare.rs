//! The bare framework: poem on its own server, as its documentation has it, answers `/bare` with a word.
//!
//! `cargo run -p demo-poem --example poem_bare -- 127.0.0.1:8080`. `just bench` compares the demo with it.

use std::{env, io};

use poem::{Route, Server, endpoint::make_sync, get, listener::TcpListener};

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let routes = Route::new().at("/bare", get(make_sync(|_| "pong")));
    Server::new(TcpListener::bind(address)).run(routes).await
}
