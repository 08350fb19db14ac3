//! The site, served by poem: `cargo run -p demo-poem`.

mod config;
mod database;
mod failure;
mod middleware;
mod operations;
mod routes;
mod server;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::run("Poem", server::serve)
}
