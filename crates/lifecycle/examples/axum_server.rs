//! An axum server that is replaced, moved, upgraded and stopped without losing a request.
//!
//! `cargo run -p lifecycle --example axum_server`, then `curl http://127.0.0.1:3000/`. Build another version and send
//! `kill -USR2 $(cat server.pid)`: the new program takes over. `kill -HUP` moves the server to port 3001, `kill` stops it.

use std::error::Error;

use axum::{Router, routing::get};
use lifecycle::{Filter, Format, Inherited, Logs, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let _logs = Logs::start(&Filter::parse("info")?, Format::Text);
    let app = Router::new().route("/", get(async || format!("hello from process {}\n", std::process::id())));

    let server = Server::new(Inherited::take()?, "127.0.0.1", 3000)?.pid_file("server.pid");
    let handle = server.handle();
    let server = server.on_reload(move || {
        let handle = handle.clone();
        async move {
            match tokio::task::spawn_blocking(move || handle.move_to("127.0.0.1", 3001)).await {
                Ok(Ok(())) => {}
                failed => tracing::error!("the address stays as it is: {failed:?}"),
            }
        }
    });
    let outcome = server.serve(move |endpoint| lifecycle::serve(endpoint, app.clone())).await?;
    tracing::info!("stopped: {outcome:?}");
    Ok(())
}
