//! A service of one's own, drained without losing a request.
//!
//! `cargo run -p lifecycle --example existing_service`, then `curl http://127.0.0.1:3000/`, then Ctrl-C:
//! `curl` in a loop sees no failure before the port is closed. Under systemd, or anything else that hands a
//! socket over, it takes that one.
//!
//! Any service on hyper's types takes the place of `Hello`: a router of axum as it is, a filter of warp
//! through `warp::service`.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::task::{Context, Poll};

use http::{Request, Response};
use hyper::body::Incoming;
use tower_service::Service;

#[tokio::main]
async fn main() -> io::Result<()> {
    let endpoint = lifecycle::endpoint("127.0.0.1:3000")?;
    lifecycle::serve(endpoint, Hello).await
}

#[derive(Clone)]
struct Hello;

impl Service<Request<Incoming>> for Hello {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        ready(Ok(Response::new(format!("hello from {}\n", request.uri().path()))))
    }
}
