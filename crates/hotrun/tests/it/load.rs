//! Clients that send requests without a pause and retry nothing.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Clients in the long tier. In the quick one it is half of them.
const CLIENTS: usize = 8;

/// The way in which a client uses its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// A connection a request.
    Fresh,
    /// As many requests over a connection as the server allows.
    KeepAlive,
}

/// The results of the requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Answers by their body.
    pub(crate) answers: BTreeMap<String, u64>,
    pub(crate) failures: Vec<String>,
}

impl Tally {
    pub(crate) fn answered(&self) -> u64 {
        self.answers.values().sum()
    }
}

/// Load, until it is ended.
pub(crate) struct Load {
    over: Arc<AtomicBool>,
    tally: Arc<Mutex<Tally>>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn on(address: SocketAddr, manner: Manner) -> Load {
        let over = Arc::new(AtomicBool::new(false));
        let tally = Arc::new(Mutex::new(Tally::default()));
        let clients = if conformance::is_full() { CLIENTS } else { CLIENTS / 2 };
        let clients = (0..clients).map(|_| {
            let (over, tally) = (Arc::clone(&over), Arc::clone(&tally));
            thread::spawn(move || live(address, manner, &over, &tally))
        });
        let clients = clients.collect();
        Load { over, tally, clients }
    }

    /// True if a client got this answer.
    pub(crate) fn has_seen(&self, answer: &str) -> bool {
        self.tally.lock().expect("a lock").answers.contains_key(answer)
    }

    /// Ends every client after its request.
    pub(crate) fn end(self) -> Tally {
        self.over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().expect("a client");
        }
        self.tally.lock().expect("a lock").clone()
    }
}

fn live(address: SocketAddr, manner: Manner, over: &AtomicBool, tally: &Mutex<Tally>) {
    let mut kept = None;
    while !over.load(Ordering::Relaxed) {
        match request(address, manner, &mut kept) {
            Ok(answer) => *tally.lock().expect("a lock").answers.entry(answer).or_default() += 1,
            Err(error) => {
                kept = None;
                tally.lock().expect("a lock").failures.push(error.to_string());
                thread::sleep(Duration::from_millis(5));
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// One request, on the kept connection if there is one.
pub(crate) fn request(
    address: SocketAddr,
    manner: Manner,
    kept: &mut Option<TcpStream>,
) -> io::Result<String> {
    let mut stream = kept.take().map_or_else(|| connect(address), Ok)?;
    let close = if manner == Manner::Fresh { "Connection: close\r\n" } else { "" };
    stream.write_all(format!("GET / HTTP/1.1\r\nHost: {address}\r\n{close}\r\n").as_bytes())?;
    let (answer, closes) = read(&mut stream)?;
    if manner == Manner::KeepAlive && !closes {
        *kept = Some(stream);
    }
    Ok(answer)
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The body of one answer, and whether the server closes the connection after it.
fn read(stream: &mut TcpStream) -> io::Result<(String, bool)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
            if body.len() >= length {
                if head.starts_with("http/1.1 200") {
                    return Ok((body.to_owned(), head.contains("connection: close")));
                }
                return Err(io::Error::other(format!(
                    "answered `{}`",
                    head.lines().next().unwrap_or_default()
                )));
            }
        }
        match stream.read(&mut buffer)? {
            0 => {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "closed before the answer was whole",
                ));
            }
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}
