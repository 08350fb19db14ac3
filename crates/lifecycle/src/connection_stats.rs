//! The open connections of this process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// An open connection: see [`connection_stats`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ConnectionStats {
    /// The client's address.
    pub peer: SocketAddr,
    /// The server's address.
    pub local: SocketAddr,
    /// Time since it was accepted.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "age_seconds", serialize_with = "crate::seconds::serialize")
    )]
    pub age: Duration,
    /// Requests that have begun on it.
    pub requests: u64,
    /// Bytes that the client has sent, if the system tells.
    #[cfg_attr(feature = "serde", serde(rename = "bytes_received"))]
    pub received: Option<u64>,
    /// Bytes that the client has acknowledged, if the system tells.
    #[cfg_attr(feature = "serde", serde(rename = "bytes_sent"))]
    pub sent: Option<u64>,
    /// The route of the last request, if the program tells: [`Connection::routed`](crate::Connection::routed).
    pub route: Option<&'static str>,
}

/// The figures of a connection. Its driver and its requests share them.
#[derive(Debug)]
pub(crate) struct OpenConnection {
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    accepted: Instant,
    requests: AtomicU64,
    route: Mutex<Option<&'static str>>,
    /// The socket; `None` when it is about to be closed.
    socket: Mutex<Option<RawFd>>,
}

/// A connection that is listed until this is dropped. That must be before its socket is closed.
#[derive(Debug)]
pub(crate) struct ListedConnection {
    number: u64,
    connection: Arc<OpenConnection>,
}

/// By number, so that the oldest comes first.
static OPEN: Mutex<BTreeMap<u64, Arc<OpenConnection>>> = Mutex::new(BTreeMap::new());

/// The open connections, the oldest first.
pub fn connection_stats() -> Vec<ConnectionStats> {
    // Not under the lock: each costs a system call.
    let open: Vec<_> = lock(&OPEN).values().cloned().collect();
    open.iter().map(|connection| connection.stats()).collect()
}

impl ListedConnection {
    /// Lists a connection that was just accepted.
    pub(crate) fn new(socket: impl AsFd, peer: SocketAddr, local: SocketAddr) -> ListedConnection {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let connection = Arc::new(OpenConnection {
            peer,
            local,
            accepted: Instant::now(),
            requests: AtomicU64::new(0),
            route: Mutex::new(None),
            socket: Mutex::new(Some(socket.as_fd().as_raw_fd())),
        });
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        lock(&OPEN).insert(number, Arc::clone(&connection));
        ListedConnection { number, connection }
    }

    pub(crate) fn connection(&self) -> &Arc<OpenConnection> {
        &self.connection
    }
}

impl Drop for ListedConnection {
    fn drop(&mut self) {
        *lock(&self.connection.socket) = None;
        lock(&OPEN).remove(&self.number);
    }
}

impl OpenConnection {
    /// A request has begun.
    pub(crate) fn request_began(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// The program knows the route of the request.
    pub(crate) fn routed(&self, route: &'static str) {
        *lock(&self.route) = Some(route);
    }

    fn stats(&self) -> ConnectionStats {
        // While the lock is held, the socket is not closed.
        let bytes = lock(&self.socket).as_ref().and_then(|socket| bytes(*socket));
        ConnectionStats {
            peer: self.peer,
            local: self.local,
            age: self.accepted.elapsed(),
            requests: self.requests.load(Ordering::Relaxed),
            received: bytes.map(|(received, _)| received),
            sent: bytes.map(|(_, sent)| sent),
            route: *lock(&self.route),
        }
    }
}

/// The bytes that a socket has received, and those that its peer has acknowledged. The kernel counts them since Linux 4.1: two
/// of the numbers in its `struct tcp_info`.
#[allow(
    unsafe_code,
    reason = "neither rustix nor socket2 has `TCP_INFO`, and the struct in `libc` ends before the two numbers"
)]
fn bytes(socket: RawFd) -> Option<(u64, u64)> {
    const ACKNOWLEDGED: usize = 120 / 8;
    const RECEIVED: usize = 128 / 8;
    let mut info = [0_u64; RECEIVED + 1];
    let mut length = libc::socklen_t::try_from(size_of_val(&info)).ok()?;
    // SAFETY: The kernel writes at most `length` bytes, the size of `info`, for which every content is valid.
    let failed = unsafe {
        libc::getsockopt(socket, libc::IPPROTO_TCP, libc::TCP_INFO, info.as_mut_ptr().cast(), &raw mut length)
    };
    let is_whole = usize::try_from(length).is_ok_and(|length| length == size_of_val(&info));
    (failed == 0 && is_whole).then_some((info[RECEIVED], info[ACKNOWLEDGED]))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::{ConnectionStats, ListedConnection, connection_stats};

    #[test]
    fn a_connection_is_listed_with_its_figures_until_it_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut socket, peer) = listener.accept().unwrap();
        let stats = || connection_stats().into_iter().find(|connection| connection.peer == peer);
        let listed = ListedConnection::new(&socket, peer, socket.local_addr().unwrap());
        let fresh = ConnectionStats {
            received: Some(0),
            sent: Some(0),
            requests: 0,
            route: None,
            ..stats().unwrap()
        };
        assert_eq!(stats().map(|now| ConnectionStats { age: fresh.age, ..now }), Some(fresh));
        client.write_all(b"hello").unwrap();
        socket.read_exact(&mut [0; 5]).unwrap();
        socket.write_all(b"hi").unwrap();
        client.read_exact(&mut [0; 2]).unwrap();
        listed.connection().request_began();
        listed.connection().routed("/hello");
        while stats().unwrap().sent != Some(2) {
            std::thread::yield_now();
        }
        let now = stats().unwrap();
        assert_eq!((now.requests, now.received, now.route), (1, Some(5), Some("/hello")));
        drop(listed);
        assert_eq!(stats(), None);
    }
}
