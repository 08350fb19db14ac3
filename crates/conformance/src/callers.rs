//! The clients of a load, by what they do with their connections.

use crate::{Request, load::Errand, tally::Fate};
use rustix::net::sockopt::set_socket_recv_buffer_size;
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    thread::sleep,
    time::{Duration, Instant},
};

/// What is asked for, by turns.
const TARGETS: [&str; 2] = ["/dynamic-config", "/"];

/// Between two requests of a client that takes its time: longer than any server takes to stop, so that without a linger
/// its connection is gone when it speaks; shorter than the linger, with which it is not.
const LONG_THOUGHT: Duration = Duration::from_millis(800);

/// Between the halves of a request, and between the pieces of an answer.
const HESITATION: Duration = Duration::from_millis(10);

/// A connection that is kept after an answer.
struct Kept {
    stream: TcpStream,
    since: Instant,
}

/// Why there is no answer, in the terms of a [`Fate`].
pub(crate) type Failure = (Fate, String);

/// One client, between two requests.
struct Caller<'a> {
    errand: &'a Errand,
    kept: Option<Kept>,
    turn: usize,
}

/// Keeps its connection as long as the server does.
pub(crate) fn keep_alive(errand: &Errand) {
    let mut caller = Caller::new(errand);
    while !errand.is_over() {
        caller.ask(plain);
        sleep(errand.manner.pause);
    }
}

/// The same, with long pauses: without a linger its connection is closed in its face.
pub(crate) fn thoughtful(errand: &Errand) {
    let mut caller = Caller::new(errand);
    while !errand.is_over() {
        caller.ask(plain);
        sleep(LONG_THOUGHT);
    }
}

/// Asks once, keeps its connection idle until the load is over, and asks once more.
pub(crate) fn before_and_after(errand: &Errand) {
    let mut caller = Caller::new(errand);
    caller.ask(plain);
    while !errand.is_over() {
        sleep(errand.manner.pause);
    }
    caller.ask(plain);
}

/// Connects for every request.
pub(crate) fn a_connection_a_request(errand: &Errand) {
    let mut caller = Caller::new(errand);
    while !errand.is_over() {
        caller.ask(plain);
        caller.kept = None;
        sleep(errand.manner.pause);
    }
}

/// Keeps its connection for a few requests.
pub(crate) fn mixed(errand: &Errand) {
    let mut caller = Caller::new(errand);
    while !errand.is_over() {
        caller.ask(plain);
        if caller.turn.is_multiple_of(5) {
            caller.kept = None;
        }
        sleep(errand.manner.pause);
    }
}

/// Sends every request in two pieces, each on a connection of its own.
pub(crate) fn by_halves(errand: &Errand) {
    let mut caller = Caller::new(errand);
    while !errand.is_over() {
        caller.ask(halved);
        caller.kept = None;
    }
}

/// Takes its answers in small pieces.
pub(crate) fn slow_reader(errand: &Errand) {
    while !errand.is_over() {
        let asked = connect(errand, errand.address()).and_then(|mut stream| {
            let _ = set_socket_recv_buffer_size(&stream, 2048);
            plain(&mut stream, &request("/", errand.address())).map_err(|error| sorted(&error, false))?;
            read_answer(&mut stream, 512, HESITATION / 5)
        });
        settle(errand, asked);
    }
}

impl Caller<'_> {
    fn new(errand: &Errand) -> Caller<'_> {
        Caller { errand, kept: None, turn: 0 }
    }

    fn ask(&mut self, send: fn(&mut TcpStream, &[u8]) -> io::Result<()>) {
        let errand = self.errand;
        let target = TARGETS[self.turn % TARGETS.len()];
        self.turn += 1;
        // To wherever it was opened: a server that moves tells its clients to leave.
        let kept = self.kept.take().filter(|kept| kept.since.elapsed() < errand.manner.kept);
        let address = errand.address();
        let stream = kept.map_or_else(|| connect(errand, address), |kept| Ok(kept.stream));
        let asked = stream.and_then(|mut stream| {
            send(&mut stream, &request(target, address)).map_err(|error| sorted(&error, false))?;
            let (instance, closes) = read_answer(&mut stream, 16 * 1024, Duration::ZERO)?;
            if !closes {
                self.kept = Some(Kept { stream, since: Instant::now() });
            }
            Ok((instance, closes))
        });
        settle(errand, asked);
    }
}

fn settle(errand: &Errand, asked: Result<(String, bool), Failure>) {
    match asked {
        Ok((instance, _)) => errand.tally.answered(&instance),
        Err((fate, words)) => {
            errand.tally.failed_as(fate, &words);
            // A server that is gone for good is not asked a million times.
            sleep(errand.manner.pause);
        }
    }
}

fn plain(stream: &mut TcpStream, request: &[u8]) -> io::Result<()> {
    stream.write_all(request)
}

fn halved(stream: &mut TcpStream, request: &[u8]) -> io::Result<()> {
    let (first, second) = request.split_at(request.len() / 2);
    stream.write_all(first)?;
    sleep(HESITATION);
    stream.write_all(second)
}

fn request(target: &str, address: SocketAddr) -> Vec<u8> {
    Request::get(target).bytes(address)
}

fn connect(errand: &Errand, address: SocketAddr) -> Result<TcpStream, Failure> {
    let patience = errand.manner.patience;
    let connected = TcpStream::connect_timeout(&address, patience).and_then(|stream| {
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    });
    connected.map_err(|error| sorted(&error, false))
}

/// Reads an answer piece by piece: which instance gave it, and whether the connection ends with it.
fn read_answer(stream: &mut TcpStream, piece: usize, pause: Duration) -> Result<(String, bool), Failure> {
    let (mut answer, mut buffer) = (Vec::new(), vec![0; piece]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) if answer.is_empty() => return Err((Fate::Reset, "closed before an answer".to_owned())),
            Ok(0) => return Err((Fate::Cut, format!("cut after {} bytes", answer.len()))),
            Ok(count) => answer.extend(&buffer[..count]),
            Err(error) => return Err(sorted(&error, !answer.is_empty())),
        }
        if let Some((head, body)) = split(&answer) {
            let length = header(&head, "content-length").and_then(|length| length.parse::<usize>().ok());
            let length = length.ok_or_else(|| (Fate::Wrong, format!("no length: {head}")))?;
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
        _ => Err((Fate::Wrong, head.to_owned())),
    }
}

/// The head of an answer, and how many bytes follow it.
fn split(answer: &[u8]) -> Option<(String, usize)> {
    let end = answer.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    Some((String::from_utf8_lossy(&answer[..end]).into_owned(), answer.len() - end))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

fn sorted(error: &io::Error, begun: bool) -> Failure {
    let fate = match error.kind() {
        ErrorKind::ConnectionRefused => Fate::Refused,
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Fate::Late,
        _ if begun => Fate::Cut,
        _ => Fate::Reset,
    };
    (fate, error.to_string())
}
