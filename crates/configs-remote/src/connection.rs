//! One connection for one request.

use std::io::ErrorKind;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::rt::{Read, Write};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::endpoint::Endpoint;
use crate::failure::Failure;

/// Upper bound on the time to connect.
const CONNECT: Duration = Duration::from_secs(3);

/// Sends a request, and returns the head of the answer. The connection ends with the body.
pub(crate) async fn send(
    endpoint: &Endpoint,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, Failure> {
    let stream = timeout(CONNECT, TcpStream::connect((endpoint.host.as_str(), endpoint.port)))
        .await
        .map_err(|_| Failure::new(format!("{endpoint} does not answer")))?
        .map_err(|error| Failure::new(format!("{endpoint}: {}", reason(&error))))?;
    // Requests are small.
    let _ = stream.set_nodelay(true);
    if endpoint.is_tls {
        return over_tls(endpoint, stream, request).await;
    }
    exchange(TokioIo::new(stream), request).await
}

#[cfg(feature = "tls")]
async fn over_tls(
    endpoint: &Endpoint,
    stream: TcpStream,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, Failure> {
    let stream = timeout(CONNECT, crate::tls::connect(&endpoint.host, stream))
        .await
        .map_err(|_| Failure::new(format!("{endpoint} does not answer the TLS handshake")))?
        .map_err(|error| Failure::new(format!("{endpoint}: TLS: {error}")))?;
    exchange(TokioIo::new(stream), request).await
}

#[cfg(not(feature = "tls"))]
#[expect(clippy::unused_async, reason = "with the feature it waits")]
async fn over_tls(
    _: &Endpoint,
    _: TcpStream,
    _: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, Failure> {
    Err(Failure::new("TLS needs the Cargo feature `tls` of `configs-remote`"))
}

async fn exchange(
    io: impl Read + Write + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, Failure> {
    let broken = |_| Failure::new("the server does not speak HTTP, or has closed the connection");
    let (mut sender, connection) = http1::handshake(io).await.map_err(broken)?;
    // It ends when the answer is read or dropped.
    tokio::spawn(connection);
    sender.send_request(request).await.map_err(broken)
}

/// Why a connection failed, in a few words.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::ConnectionReset => "connection reset".to_owned(),
        _ => error.to_string(),
    }
}
