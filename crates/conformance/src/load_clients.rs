//! The kinds of clients of a load. They differ in their use of connections.

use crate::{Request, load::Job, tally::Outcome};
use rustix::net::sockopt::set_socket_recv_buffer_size;
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    thread::sleep,
    time::{Duration, Instant},
};

/// The targets that a client requests in turn.
const TARGETS: [&str; 2] = ["/dynamic-config", "/"];

/// The pause of a client between two requests. A server stops in less time, so without a linger the connection is closed before
/// the next request. The linger is longer.
const LONG_PAUSE: Duration = Duration::from_millis(800);

/// The pause between the halves of a request and between the pieces of an answer.
const SHORT_PAUSE: Duration = Duration::from_millis(10);

/// A connection that stays open after an answer.
struct Kept {
    stream: TcpStream,
    since: Instant,
}

/// The outcome of a failed request, and its description.
pub(crate) type Failure = (Outcome, String);

/// A client between two requests.
struct LoadClient<'a> {
    job: &'a Job,
    kept: Option<Kept>,
    turn: usize,
}

/// Keeps its connection open as long as the server does.
pub(crate) fn keep_alive(job: &Job) {
    let mut client = LoadClient::new(job);
    while !job.is_over() {
        client.ask(plain);
        sleep(job.pacing.pause);
    }
}

/// Keeps its connection open, with long pauses between requests.
pub(crate) fn with_long_pauses(job: &Job) {
    let mut client = LoadClient::new(job);
    while !job.is_over() {
        client.ask(plain);
        sleep(LONG_PAUSE);
    }
}

/// Sends one request, keeps its connection idle until the load ends, and sends another one.
pub(crate) fn before_and_after(job: &Job) {
    let mut client = LoadClient::new(job);
    client.ask(plain);
    while !job.is_over() {
        sleep(job.pacing.pause);
    }
    client.ask(plain);
}

/// Opens a connection for every request.
pub(crate) fn one_request_per_connection(job: &Job) {
    let mut client = LoadClient::new(job);
    while !job.is_over() {
        client.ask(plain);
        client.kept = None;
        sleep(job.pacing.pause);
    }
}

/// Opens a connection for every five requests.
pub(crate) fn few_requests_per_connection(job: &Job) {
    let mut client = LoadClient::new(job);
    while !job.is_over() {
        client.ask(plain);
        if client.turn.is_multiple_of(5) {
            client.kept = None;
        }
        sleep(job.pacing.pause);
    }
}

/// Sends each request in two pieces, on a new connection.
pub(crate) fn in_two_halves(job: &Job) {
    let mut client = LoadClient::new(job);
    while !job.is_over() {
        client.ask(halved);
        client.kept = None;
    }
}

/// Reads its answers in small pieces.
pub(crate) fn slow_reader(job: &Job) {
    while !job.is_over() {
        let asked = connect(job, job.address()).and_then(|mut stream| {
            let _ = set_socket_recv_buffer_size(&stream, 2048);
            plain(&mut stream, &request("/", job.address())).map_err(|error| sorted(&error, false))?;
            read_answer(&mut stream, 512, SHORT_PAUSE / 5)
        });
        settle(job, asked);
    }
}

impl LoadClient<'_> {
    fn new(job: &Job) -> LoadClient<'_> {
        LoadClient { job, kept: None, turn: 0 }
    }

    fn ask(&mut self, send: fn(&mut TcpStream, &[u8]) -> io::Result<()>) {
        let job = self.job;
        let target = TARGETS[self.turn % TARGETS.len()];
        self.turn += 1;
        // A kept connection leads to the old address of a moved server until that closes it.
        let kept = self.kept.take().filter(|kept| kept.since.elapsed() < job.pacing.idle_limit);
        let address = job.address();
        let stream = kept.map_or_else(|| connect(job, address), |kept| Ok(kept.stream));
        let asked = stream.and_then(|mut stream| {
            send(&mut stream, &request(target, address)).map_err(|error| sorted(&error, false))?;
            let (instance, closes) = read_answer(&mut stream, 16 * 1024, Duration::ZERO)?;
            if !closes {
                self.kept = Some(Kept { stream, since: Instant::now() });
            }
            Ok((instance, closes))
        });
        settle(job, asked);
    }
}

fn settle(job: &Job, asked: Result<(String, bool), Failure>) {
    match asked {
        Ok((instance, _)) => job.tally.answered(&instance),
        Err((outcome, words)) => {
            job.tally.failed_as(outcome, &words);
            // This bounds the number of requests to a server that is gone.
            sleep(job.pacing.pause);
        }
    }
}

fn plain(stream: &mut TcpStream, request: &[u8]) -> io::Result<()> {
    stream.write_all(request)
}

fn halved(stream: &mut TcpStream, request: &[u8]) -> io::Result<()> {
    let (first, second) = request.split_at(request.len() / 2);
    stream.write_all(first)?;
    sleep(SHORT_PAUSE);
    stream.write_all(second)
}

fn request(target: &str, address: SocketAddr) -> Vec<u8> {
    Request::get(target).bytes(address)
}

fn connect(job: &Job, address: SocketAddr) -> Result<TcpStream, Failure> {
    let patience = job.pacing.timeout;
    let connected = TcpStream::connect_timeout(&address, patience).and_then(|stream| {
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    });
    connected.map_err(|error| sorted(&error, false))
}

/// Reads an answer piece by piece. Returns the instance that gave it, and whether the connection closes after it.
fn read_answer(stream: &mut TcpStream, piece: usize, pause: Duration) -> Result<(String, bool), Failure> {
    let (mut answer, mut buffer) = (Vec::new(), vec![0; piece]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) if answer.is_empty() => return Err((Outcome::Reset, "closed before an answer".to_owned())),
            Ok(0) => return Err((Outcome::Cut, format!("cut after {} bytes", answer.len()))),
            Ok(count) => answer.extend(&buffer[..count]),
            Err(error) => return Err(sorted(&error, !answer.is_empty())),
        }
        if let Some((head, body)) = split(&answer) {
            let length = header(&head, "content-length").and_then(|length| length.parse::<usize>().ok());
            let length = length.ok_or_else(|| (Outcome::Wrong, format!("no length: {head}")))?;
            if body >= length {
                return judged(&head, body == length);
            }
        }
        sleep(pause);
    }
}

fn judged(head: &str, whole: bool) -> Result<(String, bool), Failure> {
    let status = head.split(' ').nth(1);
    match header(head, "x-instance") {
        Some(instance) if whole && status == Some("200") => {
            let closes = header(head, "connection").is_some_and(|how| how.eq_ignore_ascii_case("close"));
            Ok((instance.to_owned(), closes))
        }
        _ => Err((Outcome::Wrong, head.to_owned())),
    }
}

/// Splits off the head of an answer. Returns it with the number of bytes after it.
fn split(answer: &[u8]) -> Option<(String, usize)> {
    let end = answer.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    Some((String::from_utf8_lossy(&answer[..end]).into_owned(), answer.len() - end))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

fn sorted(error: &io::Error, begun: bool) -> Failure {
    let outcome = match error.kind() {
        ErrorKind::ConnectionRefused => Outcome::Refused,
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Outcome::Late,
        _ if begun => Outcome::Cut,
        _ => Outcome::Reset,
    };
    (outcome, error.to_string())
}
