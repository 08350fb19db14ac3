//! Asks a server whether it is ready, where it does not say so by itself.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use process_tree::ProcessTree;

use crate::quiet;

/// Nobody tells when a server begins to answer.
const EVERY: Duration = Duration::from_millis(10);
/// For one connection and one answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) address: SocketAddr,
    /// The path of a GET; nothing is asked over the connection without it.
    pub(crate) path: Option<String>,
    /// The answer counts only if it is one of these processes that has the connection.
    pub(crate) tree: Option<ProcessTree>,
    /// From now on until the first question.
    pub(crate) delay: Duration,
    /// Between two questions, if not as often as usual.
    pub(crate) every: Option<Duration>,
}

/// A thread that asks until the answer is yes; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Probe {
    over: Arc<AtomicBool>,
}

impl Probe {
    /// Asks; `tell` is called once. An error is that there is no thread for it.
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
        && question.tree.is_none_or(|tree| quiet::holds(tree, peer)))
}

/// Whether the connection is accepted by the group before somebody else, or nobody, does.
fn is_taken_by(tree: ProcessTree, peer: SocketAddr) -> bool {
    let end = Instant::now() + Duration::from_millis(50);
    loop {
        if quiet::holds(tree, peer) {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Where to connect to what listens there.
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
