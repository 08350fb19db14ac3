//! An existing axum service needs two lines to stop gracefully and to take a supervisor's socket.
//!
//! `cargo run -p demo-axum --example existing_axum`, then `systemd-socket-activate -l 3000 ..` or Ctrl-C.

use axum::{Router, routing::get};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new().route("/", get(async || "hello\n"));

    let listener = lifecycle::listener("127.0.0.1:3000")?; // handed over, or bound
    lifecycle::run(axum::serve(listener, app).with_graceful_shutdown(lifecycle::shutdown())).await
}
