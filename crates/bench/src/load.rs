//! Clients that send a request as soon as they are answered.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use conformance::Failed;

/// Runs so many keep-alive clients for so long. Every answer must be a 200. Returns the number of answers.
pub(crate) fn run(
    address: SocketAddr,
    target: &str,
    clients: usize,
    duration: Duration,
) -> Result<u64, Failed> {
    let until = Instant::now() + duration;
    let clients: Vec<_> = (0..clients)
        .map(|_| {
            let request = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes();
            thread::spawn(move || ask(address, &request, until))
        })
        .collect();
    let mut answered = 0;
    for client in clients {
        answered += client.join().map_err(|_| "a client panicked")??;
    }
    Ok(answered)
}

fn ask(address: SocketAddr, request: &[u8], until: Instant) -> io::Result<u64> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut buffer = vec![0; 64 * 1024];
    let mut answered = 0;
    while Instant::now() < until {
        stream.write_all(request)?;
        read_answer(&mut stream, &mut buffer)?;
        answered += 1;
    }
    Ok(answered)
}

/// Reads one answer of a known length.
fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        filled += read;
        if let Some(length) = whole_length(&buffer[..filled])? {
            match filled.cmp(&length) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Ok(()),
                std::cmp::Ordering::Greater => return Err(invalid("more than one answer came")),
            }
        }
    }
}

/// The length of head and body, when the head is complete.
fn whole_length(answer: &[u8]) -> io::Result<Option<usize>> {
    let Some(head) = answer.windows(4).position(|end| end == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&answer[..head + 4]).map_err(|_| invalid("the head is not UTF-8"))?;
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err(invalid(head.lines().next().unwrap_or_default()));
    }
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, length)| length.parse::<usize>().ok())
        .ok_or_else(|| invalid("the answer has no length"))?;
    Ok(Some(head.len() + length))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not the answer that was expected: {what}"))
}
