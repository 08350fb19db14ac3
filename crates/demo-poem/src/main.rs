//! The site, served by poem: `cargo run -p demo-poem`.

mod config;
mod database;
mod failure;
mod middleware;
mod operations;
mod routes;
mod server;

fn main() -> std::process::ExitCode {
    launch::run("Poem", server::serve)
}
