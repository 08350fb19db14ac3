//! What an existing service adds.

use std::io;
use std::sync::{Mutex, PoisonError};

use tokio::net::TcpListener;

use crate::drain::Drain;
use crate::endpoint::Endpoint;
use crate::notify;
use crate::signals::{Signal, Signals};
use crate::socket::Socket;
use crate::stage::DrainTimeouts;

/// The signals that arrived since [`listener`], until [`shutdown`] asks for them.
static SIGNALS: Mutex<Option<Signals>> = Mutex::new(None);

/// The listener that a supervisor handed over in `LISTEN_FDS`, or else one bound to `address`
/// (`host:port`), ready for any server on tokio.
///
/// It tells the supervisor `READY=1`, so call it last: everything that can fail should have happened, and
/// accepting should come next. Must be called on a tokio runtime, once. A program in C linked into this one
/// must not read the environment meanwhile: see [`Socket::take`].
pub fn listener(address: &str) -> io::Result<TcpListener> {
    // Whoever hears of the readiness may send a signal before `shutdown` is polled.
    *SIGNALS.lock().unwrap_or_else(PoisonError::into_inner) = Some(Signals::new()?);
    let listener = TcpListener::from_std(socket(address)?.into_listener())?;
    notify::ready();
    Ok(listener)
}

/// The same as [`listener`], for [`serve`](crate::serve): with a drain on the default [`DrainTimeouts`] that begins
/// at the first `SIGTERM` or `SIGINT` and is forced by the second.
pub fn endpoint(address: &str) -> io::Result<Endpoint> {
    let mut signals = Signals::new()?;
    let socket = socket(address)?;
    let drain = Drain::new(DrainTimeouts::default(), socket.is_shared());
    let endpoint = Endpoint::new(socket, drain.clone());
    tokio::spawn(async move {
        stop(&mut signals).await;
        notify::stopping();
        drain.begin();
        stop(&mut signals).await;
        drain.force();
    });
    notify::ready();
    Ok(endpoint)
}

/// Resolves at the first `SIGTERM` or `SIGINT` after [`listener`], or else after it was first polled.
/// Neither kills the process any more from then on.
pub async fn shutdown() {
    let heard = SIGNALS.lock().unwrap_or_else(PoisonError::into_inner).take();
    match heard.map_or_else(Signals::new, Ok) {
        Ok(mut signals) => stop(&mut signals).await,
        Err(error) => {
            tracing::error!(%error, "cannot listen to signals");
            std::future::pending::<()>().await;
        }
    }
}

async fn stop(signals: &mut Signals) {
    while !matches!(signals.next().await, Signal::Terminate | Signal::Interrupt) {}
}

fn socket(address: &str) -> io::Result<Socket> {
    if let Some(socket) = Socket::take()? {
        return Ok(socket);
    }
    let parts = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let Some((host, port)) = parts else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("`{address}` is no address: expected `host:port`, as in `127.0.0.1:3000`"),
        ));
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Socket::bind_host(host, port).map_err(|error| io::Error::new(error.reason.kind(), error))
}
