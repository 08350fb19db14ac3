//! A server that nobody has prepared for anything: no supervisor's socket, no graceful shutdown. hotrun's tests replace
//! it under load.
//!
//! It binds the port that is its argument, and answers with what `version.txt` said when it started.

use std::{env, error::Error, fs};

use warp::Filter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let version = fs::read_to_string("version.txt")?;
    let port: u16 = env::args().nth(1).as_deref().unwrap_or("8080").parse()?;
    let routes = warp::path::end().map(move || version.clone());
    warp::serve(routes).run(([127, 0, 0, 1], port)).await;
    Ok(())
}
