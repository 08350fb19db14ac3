//! One accepted connection: whose it is, how long its client is waited for, when it may be closed.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use socket2::TcpKeepalive;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use crate::drain::Drain;
use crate::wire::Line;

/// Bytes that the kernel may hold back for a client that takes none.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 64 * 1024;

/// How long a connection is silent before the kernel asks whether the client is still there, and how often it asks.
const PROBED: Duration = Duration::from_secs(15);

/// How often a connection whose client is in the middle of a request's head is looked at during a drain.
const LOOK: Duration = Duration::from_millis(20);

/// The two ends of a connection, in the extensions of every request that it carries.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The client's.
    pub peer: SocketAddr,
    /// Ours.
    pub local: SocketAddr,
    /// Is notified once, by `notify_one`, when the client has closed its half of the connection while it is answered. A
    /// client that is gone altogether looks the same, until something is written: then it resets the connection.
    pub half_closed: Arc<Notify>,
}

impl Connection {
    /// The ends of a connection just accepted, which is tuned as [`serve`](crate::serve) does it: what is written is sent at once, and
    /// the kernel gives up a client that takes nothing for as long as `patience.reading`.
    pub fn accepted(stream: &TcpStream, patience: Patience) -> io::Result<Connection> {
        tune(stream, patience);
        Ok(Connection { peer: stream.peer_addr()?, local: stream.local_addr()?, half_closed: Arc::default() })
    }
}

/// How long a client is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For the whole head of a request, counted from the last answer (or from accepting): it bounds idle
    /// connections too.
    pub head: Duration,
    /// For taking the next byte of an answer.
    pub reading: Duration,
}

impl Default for Patience {
    /// Ten seconds each.
    fn default() -> Patience {
        Patience { head: Duration::from_secs(10), reading: Duration::from_secs(10) }
    }
}

/// One connection, seen from the door.
pub(crate) struct Guest {
    pub(crate) line: Arc<Line>,
    since: Instant,
    spoke: AtomicBool,
}

impl Guest {
    /// A connection that was accepted just now, and has said nothing.
    pub(crate) fn new(line: Arc<Line>) -> Guest {
        Guest { line, since: Instant::now(), spoke: AtomicBool::new(false) }
    }

    /// A request has begun.
    pub(crate) fn speaks(&self) {
        self.spoke.store(true, Ordering::Relaxed);
        self.line.heard_out();
    }

    /// Resolves when closing the connection while it is idle takes nothing from its client. hyper would
    /// close it without a look at what was sent.
    pub(crate) async fn may_leave(&self, drain: &Drain) {
        drain.lingered().await;
        if !self.spoke.load(Ordering::Relaxed) {
            // Whoever came late has a linger of their own to bring a first request.
            sleep_until(self.since + drain.timeouts().linger).await;
        }
        while self.line.is_speaking() {
            sleep(LOOK).await;
        }
    }
}

/// What cannot be set is left as it is: the connection works without.
pub(crate) fn tune(stream: &TcpStream, patience: Patience) {
    let _ = stream.set_nodelay(true);
    let socket = socket2::SockRef::from(stream);
    // A client whose machine or network is gone sends no end. Probes find it where nothing is written.
    let _ = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(PROBED).with_interval(PROBED));
    #[cfg(target_os = "linux")]
    {
        // Without it the kernel takes megabytes for a client that reads nothing, then hears of progress
        // only when a third of them is gone.
        let _ = socket.set_tcp_notsent_lowat(UNSENT);
        // The kernel gives up a client that acknowledges nothing even when all there is to say fits its
        // buffers.
        let _ = socket.set_tcp_user_timeout(Some(patience.reading));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = patience;
}
