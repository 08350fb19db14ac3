//! The current server and the connections to it.

use std::collections::HashMap;
use std::future::pending;
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

use crate::outage::Page;

/// Connections that were idle for longer are not used again: the server may close one just when the next request is on its way.
/// No known server closes idle connections sooner.
const IDLE: Duration = Duration::from_secs(1);

/// The body of a request to a server: the client's, or none.
pub(super) type Sent = Either<Incoming, Empty<Bytes>>;

/// A connection to a server.
pub(super) type Connection = SendRequest<Sent>;

/// The current server and the idle connections to it.
#[derive(Debug)]
pub(super) struct Backends {
    target: watch::Sender<Option<SocketAddr>>,
    /// After this time without a connection to the current server, a request fails.
    pub(super) unreached: Duration,
    /// The answer while no server comes.
    page: watch::Sender<Option<Arc<Page>>>,
    idle: Mutex<Vec<Idle>>,
    under_way: Mutex<HashMap<SocketAddr, usize>>,
}

/// A request to this server without an answer. Dropping it ends the count.
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
    pub(super) fn new(target: watch::Sender<Option<SocketAddr>>, unreached: Duration) -> Backends {
        Backends {
            target,
            unreached,
            page: watch::Sender::default(),
            idle: Mutex::default(),
            under_way: Mutex::default(),
        }
    }

    pub(super) fn switch(&self, target: Option<SocketAddr>) {
        self.target.send_replace(target);
        self.idle().clear();
    }

    /// Waits for a current server; `None` if there is none within this time.
    pub(super) async fn choose(self: &Arc<Self>, longest: Duration) -> Option<Choice> {
        loop {
            let mut current = self.target.subscribe();
            let known = timeout(longest, current.wait_for(Option::is_some)).await;
            let target = known.ok()?.ok().and_then(|target| *target)?;
            *self.counts().entry(target).or_default() += 1;
            let choice = Choice { backends: Arc::clone(self), target };
            // Counted first, so that a count after a switch includes this request.
            if *self.target.borrow() == Some(target) {
                return Some(choice);
            }
        }
    }

    /// From now on, requests that wait for a server are answered with this page; with `None`, they wait.
    pub(super) fn refuse(&self, page: Option<Arc<Page>>) {
        self.page.send_replace(page);
    }

    /// Waits until requests are to be answered with a page.
    pub(super) async fn refused(&self) -> Arc<Page> {
        let mut page = self.page.subscribe();
        let found = page.wait_for(Option::is_some).await.ok().and_then(|page| page.clone());
        match found {
            Some(page) => page,
            None => pending().await,
        }
    }

    /// Number of requests to this server without an answer.
    pub(super) fn under_way(&self, target: SocketAddr) -> usize {
        self.counts().get(&target).copied().unwrap_or(0)
    }

    /// Waits until another server is current; `false` if this one still is after this time.
    pub(super) async fn has_gone(&self, target: SocketAddr, longest: Duration) -> bool {
        let mut current = self.target.subscribe();
        timeout(longest, current.wait_for(|current| *current != Some(target))).await.is_ok()
    }

    /// A connection to the current server that was used before.
    pub(super) fn reuse(&self) -> Option<Connection> {
        let mut idle = self.idle();
        while let Some(Idle { connection, since }) = idle.pop() {
            if since.elapsed() < IDLE && connection.is_ready() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps the connection for the next request, once its answer has been read.
    pub(super) fn keep(self: &Arc<Self>, mut connection: Connection, target: SocketAddr) {
        let backends = Arc::clone(self);
        tokio::spawn(async move {
            if connection.ready().await.is_ok() {
                let mut idle = backends.idle();
                // Under the lock: a switch clears the list after this.
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
