//! The bare framework: warp on its own server, as its documentation has it, answers `/bare` with a word.
//!
//! `cargo run -p demo-warp --example warp_bare -- 127.0.0.1:8080`. `just bench` compares the demo with it.

use std::{env, error::Error, net::SocketAddr};

use warp::Filter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address: SocketAddr = env::args().nth(1).as_deref().unwrap_or("127.0.0.1:8080").parse()?;
    let routes = warp::path!("bare").and(warp::get()).map(|| "pong");
    warp::serve(routes).run(address).await;
    Ok(())
}
