//! Ordinary and unusual requests.

use std::fmt::Write as _;
use std::thread::sleep;
use std::time::Duration;

use crate::client::Client;
use crate::server::{LONG, Setup, wait_for};

#[test]
fn a_connection_carries_many_requests() {
    let server = Setup::own(LONG, LONG).start();
    let mut client = Client::connect(server.address());
    for _ in 0..100 {
        let answer = client.get("/");
        assert_eq!((answer.status, answer.body.as_str()), (200, "service"));
        assert!(!answer.closes());
    }
    assert_eq!(server.drain().connections(), 1);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Setup::own(LONG, LONG).start();
    let mut client = Client::connect(server.address());
    let ends = "GET /ends HTTP/1.1\r\nhost: test\r\n\r\n";
    let home = "GET / HTTP/1.1\r\nhost: test\r\n\r\n";
    client.send(&[home, ends, home].concat());
    assert_eq!(client.answer().body, "service");
    assert!(client.answer().body.starts_with("127.0.0.1:"));
    assert_eq!(client.answer().body, "service");
}

#[test]
fn http_1_0_is_answered_and_closed() {
    let server = Setup::own(LONG, LONG).start();
    let mut client = Client::connect(server.address());
    client.send("GET / HTTP/1.0\r\n\r\n");
    let text = client.rest().unwrap();
    assert!(text.starts_with("HTTP/1.0 200") && text.ends_with("service"), "{text}");
}

#[test]
fn every_request_knows_both_ends_of_its_connection() {
    let server = Setup::own(LONG, LONG).start();
    let mut client = Client::connect(server.address());
    let expected = format!("{} {}", client.address(), server.address());
    assert_eq!(client.get("/ends").body, expected);
}

#[test]
fn sixty_headers_and_eight_kibibytes_are_served() {
    let server = Setup::own(LONG, LONG).start();
    let mut client = Client::connect(server.address());
    let head = (0..59).fold(String::from("GET / HTTP/1.1\r\nhost: test\r\n"), |mut head, number| {
        let _ = write!(head, "x-{number}: {}\r\n", "v".repeat(125));
        head
    });
    assert!(head.len() > 7800, "{}", head.len());
    client.send(&format!("{head}\r\n"));
    assert_eq!(client.answer().status, 200);
    client.send(&format!("GET / HTTP/1.1\r\nhost: test\r\nx-long: {}\r\n\r\n", "v".repeat(8192)));
    assert_eq!(client.answer().status, 200);
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let server = Setup::own(LONG, LONG).start();
    let mut client = Client::connect(server.address());
    client.send(&format!("GET / HTTP/1.1\r\nhost: test\r\nx-long: {}\r\n\r\n", "v".repeat(60_000)));
    assert_eq!(client.answer().status, 431);
    assert_eq!(Client::connect(server.address()).get("/").status, 200);
}

#[test]
fn bytes_that_are_no_http_are_refused_and_harm_no_other_connection() {
    let server = Setup::own(LONG, LONG).start();
    for nonsense in ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "\u{16}\u{3}\u{1}hello tls\r\n\r\n"] {
        let mut client = Client::connect(server.address());
        client.send(nonsense);
        assert_eq!(client.answer().status, 400, "{nonsense:?}");
    }
    assert_eq!(Client::connect(server.address()).get("/").status, 200);
}

#[test]
fn a_body_that_nobody_reads_neither_hangs_the_connection_nor_costs_the_answer() {
    let server = Setup::own(LONG, LONG).start();
    let (pieces, piece) = (16, "b".repeat(40_000));
    let mut client = Client::connect(server.address());
    let length = pieces * piece.len();
    client.send(&format!("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: {length}\r\n\r\n"));
    for _ in 0..pieces {
        // The answer is long on its way; a connection closed for good would refuse the piece.
        client.send(&piece);
        sleep(Duration::from_millis(3));
    }
    assert_eq!(client.answer().status, 200);
    // Half a body: the answer does not wait for the rest.
    let mut client = Client::connect(server.address());
    client.send("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 1000\r\n\r\nhalf");
    assert_eq!(client.answer().status, 200);
    assert!(client.is_ended());
    // A small one that arrived whole leaves the connection as it was, or closes it in order.
    let mut client = Client::connect(server.address());
    client.send("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    assert_eq!(client.answer().status, 200);
}

#[test]
fn a_panic_ends_its_connection_and_nothing_else() {
    let server = Setup::own(LONG, LONG).start();
    let mut other = Client::connect(server.address());
    other.get("/");
    let mut client = Client::connect(server.address());
    client.ask("/panic");
    assert!(client.is_ended());
    assert_eq!(other.get("/").status, 200);
    assert_eq!(Client::connect(server.address()).get("/").status, 200);
    wait_for(|| server.drain().connections() == 1);
}

#[test]
fn a_request_before_a_half_close_is_answered() {
    let server = Setup::own(LONG, LONG).start();
    let mut client = Client::connect(server.address());
    client.ask("/gate");
    client.finish_sending();
    let mut late = Client::connect(server.address());
    late.get("/");
    server.service.open_the_gate();
    assert_eq!(client.answer().body, "through the gate");
    assert!(client.is_ended());
}

#[test]
fn a_silent_answer_ends_when_its_client_resets_the_connection() {
    let server = Setup::own(LONG, LONG).start();
    let mut client = Client::connect(server.address());
    client.ask("/quiet");
    assert_eq!(client.answer().status, 200);
    client.reset();
    wait_for(|| server.service.gave_up());
    wait_for(|| server.drain().connections() == 0);
}
