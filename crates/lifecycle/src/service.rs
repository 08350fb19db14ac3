//! The parts that an existing service adds.

use std::future::IntoFuture;
use std::io;
use std::sync::{Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::drain::Drain;
use crate::endpoint::Endpoint;
use crate::notify;
use crate::signals::{Signal, Signals};
use crate::socket::Socket;
use crate::stage::DrainTimeouts;

/// The signals since [`listener`]: for [`shutdown`], then for [`run`].
static SIGNALS: Mutex<Option<Signals>> = Mutex::new(None);

/// Tells [`run`] that [`shutdown`] has resolved.
static SHUT_DOWN: Notify = Notify::const_new();

/// The listener that a supervisor passes in `LISTEN_FDS`, or one bound to `address` (`host:port`), for any server on tokio.
///
/// It tells the supervisor `READY=1`. So call it when everything that can fail has succeeded, right before the server accepts.
/// Must be called on a tokio runtime, once. C code in this program must not read the environment meanwhile: see
/// [`Socket::take`].
pub fn listener(address: &str) -> io::Result<TcpListener> {
    // A signal may arrive after `READY=1` and before `shutdown` is polled.
    *SIGNALS.lock().unwrap_or_else(PoisonError::into_inner) = Some(Signals::new()?);
    let listener = TcpListener::from_std(socket(address)?.into_listener())?;
    notify::ready();
    Ok(listener)
}

/// The same as [`listener`], for [`serve`](crate::serve). Its drain has the default [`DrainTimeouts`], begins at the first
/// `SIGTERM` or `SIGINT`, and is forced by the second.
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
/// Neither kills the process any more from then on, so give the server to [`run`], which ends at the second one.
pub async fn shutdown() {
    let heard = SIGNALS.lock().unwrap_or_else(PoisonError::into_inner).take();
    match heard.map_or_else(Signals::new, Ok) {
        Ok(mut signals) => {
            stop(&mut signals).await;
            *SIGNALS.lock().unwrap_or_else(PoisonError::into_inner) = Some(signals);
            SHUT_DOWN.notify_one();
        }
        Err(error) => {
            tracing::error!(%error, "cannot listen to signals");
            std::future::pending::<()>().await;
        }
    }
}

/// Runs a server that ends gracefully at [`shutdown`], until it has ended. It ends at the latest at the deadline of the default
/// [`DrainTimeouts`], counted from the shutdown, or at a second `SIGTERM` or `SIGINT`. Then connections are cut. A framework's
/// graceful shutdown alone waits for ever for a client that has sent half a head.
///
/// ```no_run
/// # async fn serve(listener: tokio::net::TcpListener, shutdown: impl Future<Output = ()>) -> std::io::Result<()> { Ok(()) }
/// # async fn example() -> std::io::Result<()> {
/// let listener = lifecycle::listener("127.0.0.1:3000")?;
/// lifecycle::run(serve(listener, lifecycle::shutdown())).await
/// # }
/// ```
pub async fn run(server: impl IntoFuture<Output = io::Result<()>>) -> io::Result<()> {
    let cut = async {
        SHUT_DOWN.notified().await;
        let signals = SIGNALS.lock().unwrap_or_else(PoisonError::into_inner).take();
        let again = async {
            match signals {
                Some(mut signals) => stop(&mut signals).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = again => tracing::warn!("stopped at once, connections were cut"),
            () = sleep(DrainTimeouts::default().deadline) => tracing::warn!("stopped at the deadline, connections were cut"),
        }
    };
    tokio::select! {
        biased;
        ended = server.into_future() => ended,
        () = cut => Ok(()),
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

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::{DrainTimeouts, SHUT_DOWN, run};

    #[tokio::test(start_paused = true)]
    async fn a_server_that_does_not_end_is_left_at_the_deadline() {
        let since = Instant::now();
        SHUT_DOWN.notify_one();
        run(std::future::pending::<std::io::Result<()>>()).await.unwrap();
        assert_eq!(since.elapsed(), DrainTimeouts::default().deadline);
    }
}
