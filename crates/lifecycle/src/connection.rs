//! One accepted connection: its two addresses, its timeouts, and when it may be closed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use socket2::TcpKeepalive;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use crate::connection_io::ConnectionSocket;
use crate::connection_stats::{ListedConnection, OpenConnection};
use crate::drain::Drain;

/// Bytes that the kernel may hold for a client that takes none.
const UNSENT: u32 = 64 * 1024;

/// Silence of a connection after which the kernel probes whether the client is still there, and the pause between probes.
const PROBED: Duration = Duration::from_secs(15);

/// Interval at which a drain checks a connection whose client is in the middle of a request's head.
const RECHECK: Duration = Duration::from_millis(20);

/// The two ends of a connection, in the extensions of every request that it carries.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The client's address.
    pub peer: SocketAddr,
    /// The server's address.
    pub local: SocketAddr,
    /// Is notified once, by `notify_one`, when the client closes its half of the connection while it is answered. A client
    /// that is gone looks the same until something is written. Then it resets the connection.
    pub half_closed: Arc<Notify>,
    pub(crate) figures: Arc<OpenConnection>,
}

impl Connection {
    /// The addresses of a connection that was just accepted. Sets its options as [`serve`](crate::serve) does. Bytes are sent
    /// at once, and the kernel gives up a client that takes nothing for `timeouts.write`. It is listed as long as the second
    /// value lives, which must be dropped before the stream.
    #[cfg(feature = "actix")]
    pub(crate) fn accepted(
        stream: &TcpStream,
        timeouts: Timeouts,
    ) -> std::io::Result<(Connection, ListedConnection)> {
        tune(stream, timeouts);
        let listed = ListedConnection::new(stream, stream.peer_addr()?, stream.local_addr()?);
        Ok((Connection::of(&listed), listed))
    }

    pub(crate) fn of(listed: &ListedConnection) -> Connection {
        let figures = Arc::clone(listed.connection());
        Connection { peer: figures.peer, local: figures.local, half_closed: Arc::default(), figures }
    }

    /// Says which route a request of this connection has, for [`connection_stats`](crate::connection_stats()). It does nothing
    /// without a connection, as in a test of a service.
    pub fn routed(connection: Option<&Connection>, route: &'static str) {
        if let Some(connection) = connection {
            connection.figures.routed(route);
        }
    }
}

/// The server's timeouts for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the whole head of a request, counted from the last answer, or from the accept. So it bounds idle connections too.
    pub head: Duration,
    /// Until the client takes the next byte of an answer.
    pub write: Duration,
}

impl Default for Timeouts {
    /// Ten seconds each.
    fn default() -> Timeouts {
        Timeouts { head: Duration::from_secs(10), write: Duration::from_secs(10) }
    }
}

/// A connection that is open.
pub(crate) struct ActiveConnection {
    pub(crate) socket: Arc<ConnectionSocket>,
    accepted: Instant,
    requested: AtomicBool,
}

impl ActiveConnection {
    /// A connection that was just accepted.
    pub(crate) fn new(socket: Arc<ConnectionSocket>) -> ActiveConnection {
        ActiveConnection { socket, accepted: Instant::now(), requested: AtomicBool::new(false) }
    }

    /// A request has begun.
    pub(crate) fn request_began(&self) {
        self.requested.store(true, Ordering::Relaxed);
        self.socket.figures().request_began();
        self.socket.clear_partial_request();
    }

    /// Resolves when the connection may be closed as soon as it is idle, because the client is not about to send a request.
    /// hyper would close it and not check for bytes that have arrived.
    pub(crate) async fn may_close(&self, drain: &Drain) {
        drain.lingered().await;
        if !self.requested.load(Ordering::Relaxed) {
            // A client that connected late has a linger of its own for its first request.
            sleep_until(self.accepted + drain.timeouts().linger).await;
        }
        while self.socket.has_partial_request() {
            sleep(RECHECK).await;
        }
    }
}

/// Sets the options of a connection's socket. The connection works without those that the system refuses.
pub(crate) fn tune(stream: &TcpStream, timeouts: Timeouts) {
    let _ = stream.set_nodelay(true);
    let socket = socket2::SockRef::from(stream);
    // A client whose machine or network is gone sends no `FIN`. Probes find it even if nothing is written.
    let _ = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(PROBED).with_interval(PROBED));
    // Without it the kernel takes megabytes for a client that reads nothing, and reports progress only when a third of them
    // is sent.
    let _ = socket.set_tcp_notsent_lowat(UNSENT);
    // The kernel gives up a client that acknowledges nothing, even if the whole answer fits its buffers.
    let _ = socket.set_tcp_user_timeout(Some(timeouts.write));
}
