//! Takes connections from a listener, whatever errors come between.

use std::io::{ErrorKind, Result};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::time::sleep;

/// Pause after an error that will last, such as running out of descriptors or memory. The listener stays readable meanwhile, and only
/// time helps.
const PAUSE: Duration = Duration::from_millis(50);

/// The next connection. A client that has given up before it was accepted is passed over.
pub(crate) async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        if let Some((stream, _)) = accepted(listener.accept().await).await {
            return stream;
        }
    }
}

/// The same on a Unix socket.
pub(crate) async fn accept_unix(listener: &UnixListener) -> UnixStream {
    loop {
        if let Some((stream, _)) = accepted(listener.accept().await).await {
            return stream;
        }
    }
}

/// The connection. After an error that will last, `None` comes after a pause.
async fn accepted<T>(accepted: Result<T>) -> Option<T> {
    match accepted {
        Ok(accepted) => return Some(accepted),
        Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
        Err(_) => sleep(PAUSE).await,
    }
    None
}
