//! A server that nobody has prepared for anything: no supervisor's socket; the framework's own graceful shutdown.
//! hotrun's tests replace it under load.
//!
//! It binds the port that is its argument on `localhost`, which is two listeners, and answers with what `version.txt`
//! said when it started.

use std::{env, fs, future::ready, io};

use actix_web::{App, HttpServer, rt::System, web};

fn main() -> io::Result<()> {
    let version = fs::read_to_string("version.txt")?;
    let port = env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(8080);
    let app = move || {
        let version = version.clone();
        App::new().route("/", web::get().to(move || ready(version.clone())))
    };
    System::new().block_on(async { HttpServer::new(app).bind(("localhost", port))?.run().await })
}
