//! The proxy with servers of a few lines.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::proxy::{Proxy, UNREACHED};

const PATIENCE: Duration = Duration::from_secs(20);

/// A proxy and its address.
fn proxy() -> (Proxy, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (Proxy::start(listener, UNREACHED).unwrap(), address)
}

/// A server that calls `serve` for each connection.
fn server(serve: impl Fn(BufReader<TcpStream>) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            thread::spawn(move || serve(BufReader::new(stream)));
        }
    });
    address
}

/// A server that answers every request with this text.
fn says(words: &'static str) -> SocketAddr {
    server(move |mut stream| {
        while head(&mut stream).is_some() {
            reply(&mut stream, words);
        }
    })
}

/// The head of a request or an answer; `None` at the end.
fn head(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

fn reply(stream: &mut BufReader<TcpStream>, words: &str) {
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{words}", words.len());
    let _ = stream.get_mut().write_all(answer.as_bytes());
}

fn open(address: SocketAddr) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    BufReader::new(stream)
}

fn send(stream: &mut BufReader<TcpStream>, request: &str) {
    stream.get_mut().write_all(request.as_bytes()).unwrap();
}

fn ask(stream: &mut BufReader<TcpStream>) -> String {
    send(stream, "GET / HTTP/1.1\r\nHost: here\r\n\r\n");
    answer(stream)
}

fn answer(stream: &mut BufReader<TcpStream>) -> String {
    let head = head(stream).expect("an answer").to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

#[test]
fn a_request_waits_until_a_server_is_ready() {
    let (proxy, address) = proxy();
    let (told, asked): (Sender<String>, Receiver<String>) = channel();
    let client = thread::spawn(move || drop(told.send(ask(&mut open(address)))));
    assert!(asked.recv_timeout(Duration::from_millis(200)).is_err(), "nobody is there to answer");
    proxy.switch(Some(says("at last")));
    assert_eq!(asked.recv_timeout(PATIENCE).unwrap(), "at last");
    client.join().unwrap();
}

#[test]
fn a_request_waits_for_a_server_that_does_not_listen_yet() {
    let (proxy, address) = proxy();
    // No other test takes a port of this address meanwhile.
    let gone = TcpListener::bind("127.0.0.78:0").unwrap().local_addr().unwrap();
    proxy.switch(Some(gone));
    let client = thread::spawn(move || ask(&mut open(address)));
    thread::sleep(Duration::from_millis(100));
    proxy.switch(Some(says("somebody else")));
    assert_eq!(client.join().unwrap(), "somebody else");
}

#[test]
fn the_next_request_on_a_kept_connection_goes_to_the_next_server() {
    let (proxy, address) = proxy();
    let (old, new) = (says("old"), says("new"));
    proxy.switch(Some(old));
    let mut client = open(address);
    assert_eq!(ask(&mut client), "old");
    assert_eq!(ask(&mut client), "old");
    proxy.switch(Some(new));
    assert_eq!(ask(&mut client), "new");
}

#[test]
fn a_request_under_way_stays_with_its_server() {
    let (proxy, address) = proxy();
    let (tell, told) = channel();
    let slow = server(move |mut stream| {
        let read = head(&mut stream).unwrap();
        tell.send(read).unwrap();
        // The rest of the body comes only after the switch.
        let mut body = [0; 6];
        stream.read_exact(&mut body).unwrap();
        reply(&mut stream, "whole");
    });
    proxy.switch(Some(slow));
    let mut client = open(address);
    send(&mut client, "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 6\r\n\r\nabc");
    let read = told.recv_timeout(PATIENCE).unwrap();
    assert!(read.contains("Host: here\r\n"), "{read}");
    proxy.switch(Some(says("another")));
    send(&mut client, "def");
    assert_eq!(answer(&mut client), "whole");
    assert_eq!(ask(&mut client), "another");
}

#[test]
fn a_server_that_closes_after_every_answer_loses_no_request() {
    let (proxy, address) = proxy();
    proxy.switch(Some(server(|mut stream| {
        // Without saying so.
        head(&mut stream);
        reply(&mut stream, "once");
    })));
    let mut client = open(address);
    for _ in 0..200 {
        assert_eq!(ask(&mut client), "once");
    }
}

#[test]
fn an_answer_streams_as_it_comes() {
    let (proxy, address) = proxy();
    let (go, gone) = channel::<()>();
    let gone = std::sync::Arc::new(std::sync::Mutex::new(gone));
    proxy.switch(Some(server(move |mut stream| {
        head(&mut stream);
        let begin = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n";
        stream.get_mut().write_all(begin).unwrap();
        gone.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        stream.get_mut().write_all(b"data: 2\n\n").unwrap();
    })));
    let mut client = open(address);
    send(&mut client, "GET / HTTP/1.1\r\nHost: here\r\n\r\n");
    head(&mut client).unwrap();
    let mut line = String::new();
    while !line.contains("data: 1") {
        assert_ne!(client.read_line(&mut line).unwrap(), 0);
    }
    go.send(()).unwrap();
    while !line.contains("data: 2") {
        assert_ne!(client.read_line(&mut line).unwrap(), 0);
    }
}

#[test]
fn an_upgraded_connection_is_a_pipe() {
    let (proxy, address) = proxy();
    proxy.switch(Some(server(|mut stream| {
        let asked = head(&mut stream).unwrap().to_ascii_lowercase();
        assert!(
            asked.contains("connection: upgrade\r\n") && asked.contains("upgrade: websocket\r\n"),
            "{asked}"
        );
        assert!(asked.contains("sec-websocket-key: abc\r\n"), "{asked}");
        let begin = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        stream.get_mut().write_all(begin).unwrap();
        let mut heard = [0; 4];
        stream.read_exact(&mut heard).unwrap();
        stream.get_mut().write_all(&heard).unwrap();
    })));
    let mut client = open(address);
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: abc\r\n";
    send(&mut client, &format!("GET /live HTTP/1.1\r\nHost: here\r\n{upgrade}\r\n"));
    assert!(head(&mut client).unwrap().starts_with("HTTP/1.1 101"));
    // Connected clients stay with their server.
    proxy.switch(Some(says("another")));
    send(&mut client, "ping");
    let mut heard = String::new();
    client.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "ping");
}

#[test]
fn a_dropped_proxy_closes_its_port() {
    // No other test takes a port of this address meanwhile.
    let listener = TcpListener::bind("127.0.0.77:0").unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = Proxy::start(listener, UNREACHED).unwrap();
    assert_eq!(TcpListener::bind(address).unwrap_err().kind(), ErrorKind::AddrInUse);
    drop(proxy);
    // The child of another test's fork may hold it until it has become another program.
    let end = Instant::now() + PATIENCE;
    while let Err(error) = TcpListener::bind(address) {
        assert!(Instant::now() < end, "{error}");
        thread::sleep(Duration::from_millis(1));
    }
}
