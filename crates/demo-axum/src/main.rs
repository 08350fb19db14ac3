//! The site, served by axum: `cargo run -p demo-axum`.

mod config;
mod database;
mod failure;
mod middleware;
mod operations;
mod routes;
mod server;

fn main() -> std::process::ExitCode {
    launch::run("Axum", server::serve)
}
