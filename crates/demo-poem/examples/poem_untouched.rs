//! A server that nobody has prepared for anything: no supervisor's socket, no graceful shutdown. hotrun's tests replace
//! it under load.
//!
//! It binds the port that is its argument, and answers with what `version.txt` said when it started.

use std::{env, fs, io};

use poem::{Route, Server, endpoint::make_sync, get, listener::TcpListener};

#[tokio::main]
async fn main() -> io::Result<()> {
    let version = fs::read_to_string("version.txt")?;
    let port = env::args().nth(1).unwrap_or_else(|| "8080".to_owned());
    let routes = Route::new().at("/", get(make_sync(move |_| version.clone())));
    Server::new(TcpListener::bind(format!("127.0.0.1:{port}"))).run(routes).await
}
