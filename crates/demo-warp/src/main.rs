//! The site, served by warp: `cargo run -p demo-warp`.

mod config;
mod database;
mod failure;
mod middleware;
mod operations;
mod routes;
mod server;

fn main() -> std::process::ExitCode {
    launch::run("Warp", server::serve)
}
