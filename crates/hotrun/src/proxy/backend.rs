//! Where requests go, and the connections to there.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{Either, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

/// A server closes a connection that is idle for long, just when the next request is on its way to it: longer ones than
/// this are not used again. No server known is so impatient.
const IDLE: Duration = Duration::from_secs(1);

/// What is sent to a server: a client's body, or none.
pub(super) type Sent = Either<Incoming, Empty<Bytes>>;

/// One connection to a server.
pub(super) type Connection = SendRequest<Sent>;

/// The current server and the idle connections to it.
#[derive(Debug)]
pub(super) struct Backends {
    target: watch::Sender<Option<SocketAddr>>,
    idle: Mutex<Vec<Idle>>,
    under_way: Mutex<HashMap<SocketAddr, usize>>,
}

/// A request that has chosen its server and has no answer yet.
#[derive(Debug)]
pub(super) struct Choice {
    backends: Arc<Backends>,
    pub(super) target: SocketAddr,
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Instant,
}

impl Backends {
    pub(super) fn new(target: watch::Sender<Option<SocketAddr>>) -> Backends {
        Backends { target, idle: Mutex::default(), under_way: Mutex::default() }
    }

    pub(super) fn switch(&self, target: Option<SocketAddr>) {
        self.target.send_replace(target);
        self.idle().clear();
    }

    /// The current server, as soon as there is one; `None` if there is none for so long.
    pub(super) async fn choose(self: &Arc<Self>, patience: Duration) -> Option<Choice> {
        loop {
            let mut current = self.target.subscribe();
            let known = timeout(patience, current.wait_for(Option::is_some)).await;
            let target = known.ok()?.ok().and_then(|target| *target)?;
            *self.counts().entry(target).or_default() += 1;
            let choice = Choice { backends: Arc::clone(self), target };
            // Counted first: whoever switches and then counts misses nobody.
            if *self.target.borrow() == Some(target) {
                return Some(choice);
            }
        }
    }

    /// How many requests have chosen this server and have no answer yet.
    pub(super) fn under_way(&self, target: SocketAddr) -> usize {
        self.counts().get(&target).copied().unwrap_or(0)
    }

    /// Waits until this is not the current server any more; `false` if it is for so long.
    pub(super) async fn has_gone(&self, target: SocketAddr, patience: Duration) -> bool {
        let mut current = self.target.subscribe();
        timeout(patience, current.wait_for(|current| *current != Some(target))).await.is_ok()
    }

    /// A connection to the target that was used before and is ready.
    pub(super) fn reuse(&self) -> Option<Connection> {
        let mut idle = self.idle();
        while let Some(Idle { connection, since }) = idle.pop() {
            if since.elapsed() < IDLE && connection.is_ready() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps the connection for others when its answer has been taken.
    pub(super) fn keep(self: &Arc<Self>, mut connection: Connection, target: SocketAddr) {
        let backends = Arc::clone(self);
        tokio::spawn(async move {
            if connection.ready().await.is_ok() {
                let mut idle = backends.idle();
                // Locked: whoever switches clears after that.
                if *backends.target.borrow() == Some(target) {
                    idle.retain(|idle| idle.since.elapsed() < IDLE);
                    idle.push(Idle { connection, since: Instant::now() });
                }
            }
        });
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<SocketAddr, usize>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Choice {
    fn drop(&mut self) {
        let mut counts = self.backends.counts();
        if let Some(count) = counts.get_mut(&self.target) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.target);
            }
        }
    }
}

/// A new connection.
pub(super) async fn connect(target: SocketAddr) -> io::Result<Connection> {
    let stream = TcpStream::connect(target).await?;
    stream.set_nodelay(true)?;
    let handshake = Builder::new().preserve_header_case(true).handshake(TokioIo::new(stream)).await;
    let (sender, connection) = handshake.map_err(io::Error::other)?;
    tokio::spawn(connection.with_upgrades());
    Ok(sender)
}
