//! The site, served by actix-web: `cargo run -p demo-actix-web`.

mod config;
mod database;
mod failure;
mod middleware;
mod operations;
mod routes;
mod server;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::run("Actix-web", server::serve)
}
