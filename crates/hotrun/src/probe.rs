//! Asks a server whether it is ready, if it does not report that by itself.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use process_tree::ProcessTree;

use crate::idle;

/// From one question to the next: no event tells when a server begins to answer.
const EVERY: Duration = Duration::from_millis(10);
/// Upper bound on one connection and on one answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// A question to a server.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) address: SocketAddr,
    /// The path of a GET request. Without it the connection alone is the question.
    pub(crate) path: Option<String>,
    /// The answer counts only if one of these processes holds the connection.
    pub(crate) tree: Option<ProcessTree>,
    /// From the start to the first question.
    pub(crate) delay: Duration,
    /// From one question to the next, instead of [`EVERY`].
    pub(crate) every: Option<Duration>,
}

/// A thread that asks until the answer is yes. Dropping this ends it.
#[derive(Debug)]
pub(crate) struct Probe {
    over: Arc<AtomicBool>,
}

impl Probe {
    /// Starts to ask. `tell` is called once, on the thread. Fails if the system refuses the thread.
    pub(crate) fn ask(question: Question, tell: impl FnOnce() + Send + 'static) -> io::Result<Probe> {
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let ask = move || {
            thread::sleep(question.delay);
            while !is_over.load(Ordering::Relaxed) {
                if yes(&question).unwrap_or(false) {
                    return tell();
                }
                thread::sleep(question.every.unwrap_or(EVERY));
            }
        };
        thread::Builder::new().name("probe".to_owned()).spawn(ask)?;
        Ok(Probe { over })
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn yes(question: &Question) -> io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&reachable(question.address), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let peer = stream.local_addr()?;
    let Some(path) = &question.path else {
        return Ok(question.tree.is_none_or(|tree| is_taken_by(tree, peer)));
    };
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: hotrun\r\n\r\n", question.address)?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    Ok(answer.starts_with(b"HTTP/1.")
        && answer[9] == b'2'
        && question.tree.is_none_or(|tree| idle::holds(tree, peer)))
}

/// True if the program accepts the connection within 50 ms, and no other process does.
fn is_taken_by(tree: ProcessTree, peer: SocketAddr) -> bool {
    let end = Instant::now() + Duration::from_millis(50);
    loop {
        if idle::holds(tree, peer) {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// The address at which a socket that listens at `address` can be reached.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            address.set_ip(std::net::Ipv6Addr::LOCALHOST.into());
        }
        _ => {}
    }
    address
}
