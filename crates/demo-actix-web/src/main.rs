//! The site, served by actix-web: `cargo run -p demo-actix-web`.

mod config;
mod database;
mod failure;
mod middleware;
mod operations;
mod routes;
mod server;

fn main() -> std::process::ExitCode {
    launch::run("Actix-web", server::serve)
}
