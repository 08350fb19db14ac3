//! Takes connections from a listener, whatever errors come between.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// Pause after an error that will last, such as running out of descriptors or memory. The listener stays readable meanwhile, and only
/// time helps.
const PAUSE: Duration = Duration::from_millis(50);

/// The next connection. A client that has given up before it was accepted is passed over.
pub(crate) async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            Err(_) => sleep(PAUSE).await,
        }
    }
}
