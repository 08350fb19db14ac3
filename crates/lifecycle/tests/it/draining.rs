//! The drain: which requests finish, which connections are closed, and which are cut.

use std::io::{Read, Write};
use std::thread::{available_parallelism, sleep};
use std::time::Duration;

use lifecycle::{Outcome, Socket, Stage};

use crate::client::Client;
use crate::server::{LONG, Setup, wait_for};

const LINGER: Duration = Duration::from_millis(200);
const DEADLINE: Duration = Duration::from_millis(500);

#[test]
fn a_request_under_way_finishes_and_its_answer_closes_the_connection() {
    let mut server = Setup::own(LINGER, LONG).start();
    let mut client = Client::connect(server.address());
    client.ask("/gate");
    wait_for(|| server.service.gate.receiver_count() == 1);
    server.drain().begin();
    server.reaches(Stage::Stopping);
    server.service.open_the_gate();
    let answer = client.answer();
    assert_eq!((answer.status, answer.body.as_str()), (200, "through the gate"));
    assert!(answer.closes(), "{}", answer.head);
    assert_eq!(client.rest().unwrap(), "");
    assert_eq!(server.drained().0, Outcome::Clean);
}

#[test]
fn a_kept_connection_is_answered_through_the_linger_and_told_to_close() {
    let mut server = Setup::own(LONG, LONG * 2).start();
    let mut client = Client::connect(server.address());
    assert!(!client.get("/").closes());
    server.drain().begin();
    let answer = client.get("/");
    assert_eq!(answer.status, 200);
    assert!(answer.closes());
    assert_eq!(client.rest().unwrap(), "");
    wait_for(|| server.drain().connections() == 0);
    server.drain().force();
    assert_eq!(server.drained().0, Outcome::Forced(0));
}

#[test]
fn an_idle_connection_is_kept_through_the_linger_and_closed_after_it() {
    let mut server = Setup::own(LINGER, LONG).start();
    let mut client = Client::connect(server.address());
    client.get("/");
    server.drain().begin();
    assert_eq!(server.drain().connections(), 1);
    assert_eq!(client.rest().unwrap(), "");
    assert!(server.drain().stage() >= Stage::Stopping, "closed before the linger was over");
    assert_eq!(server.drained().0, Outcome::Clean);
}

#[test]
fn a_listener_of_its_own_accepts_through_the_linger_and_refuses_after_it() {
    let mut server = Setup::own(LINGER * 2, LONG).start();
    server.drain().begin();
    let answer = Client::connect(server.address()).get("/");
    assert_eq!(answer.status, 200);
    assert!(answer.closes());
    assert_eq!(server.drained().0, Outcome::Clean);
    assert!(Client::try_connect(server.address()).is_err());
}

#[test]
fn a_client_that_connects_late_in_the_linger_still_gets_its_answer() {
    let linger = Duration::from_secs(1);
    let mut server = Setup::own(linger, LONG).start();
    server.drain().begin();
    sleep(linger / 2);
    let mut late = Client::connect(server.address());
    server.reaches(Stage::Stopping);
    let answer = late.get("/");
    assert_eq!(answer.status, 200);
    assert!(answer.closes());
    assert_eq!(server.drained().0, Outcome::Clean);
}

#[test]
fn a_request_half_sent_on_a_kept_connection_is_waited_for_after_the_linger() {
    let mut server = Setup::own(LINGER, LONG).start();
    let mut client = Client::connect(server.address());
    client.get("/");
    client.send("GET / HTTP/1.1\r\nho");
    server.drain().begin();
    server.reaches(Stage::Stopping);
    sleep(LINGER);
    client.send("st: test\r\n\r\n");
    let answer = client.answer();
    assert_eq!(answer.status, 200);
    assert!(answer.closes());
    assert_eq!(server.drained().0, Outcome::Clean);
}

#[test]
fn a_shared_listener_leaves_its_queue_to_the_other_holder() {
    let socket = Socket::bind_host("127.0.0.1", 0).unwrap();
    let other = std::net::TcpListener::from(socket2::Socket::from(std::os::fd::OwnedFd::from(
        lifecycle::Endpoint::new(
            socket.try_clone().unwrap(),
            lifecycle::Drain::new(lifecycle::DrainTimeouts::default(), true),
        )
        .into_parts()
        .0,
    )));
    let mut server = Setup::shared(LONG, LONG * 2).start_on(socket, "old");
    let mut kept = Client::connect(server.address());
    assert_eq!(kept.get("/").body, "old");
    server.drain().begin();
    // The kept connection proves that the drain is being acted upon.
    assert!(kept.get("/").closes());
    let mut client = Client::connect(server.address());
    client.ask("/");
    let mut accepted = None;
    wait_until_accepted(&other, &mut accepted);
    let mut accepted = accepted.unwrap();
    accepted.set_nonblocking(false).unwrap();
    let mut request = [0; 16];
    assert!(accepted.read(&mut request).unwrap() > 0);
    accepted.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nnew").unwrap();
    assert_eq!(client.answer().body, "new");
    assert_eq!(server.drained().0, Outcome::Clean);
}

#[test]
fn a_shared_listener_with_nothing_connected_does_not_linger() {
    let mut server = Setup::shared(LONG, LONG).start();
    server.drain().begin();
    let (outcome, waited) = server.drained();
    assert_eq!(outcome, Outcome::Clean);
    assert!(waited < LONG / 2, "waited {waited:?}");
}

#[test]
fn a_listener_handed_on_before_the_drain_counts_as_shared() {
    let mut server = Setup::own(LONG, LONG).start();
    server.drain().share();
    server.drain().begin();
    assert_eq!(server.drained().0, Outcome::Clean);
}

#[test]
fn the_deadline_cuts_a_slow_handler_and_counts_it() {
    let mut server = Setup::own(LINGER, DEADLINE).start();
    let mut slow = Client::connect(server.address());
    slow.ask("/gate");
    wait_for(|| server.service.gate.receiver_count() == 1);
    server.drain().begin();
    assert_eq!(server.drained().0, Outcome::Cut(1));
    assert!(slow.is_ended());
    wait_for(|| server.service.gate.receiver_count() == 0);
}

#[test]
fn the_deadline_cuts_half_a_head_and_a_body_without_an_end() {
    let mut server = Setup::own(LINGER, DEADLINE).start();
    let mut half = Client::connect(server.address());
    half.send("GET / HTTP/1.1\r\nho");
    let mut quiet = Client::connect(server.address());
    quiet.ask("/quiet");
    wait_for(|| server.drain().connections() == 2);
    server.drain().begin();
    assert_eq!(server.drained().0, Outcome::Cut(2));
    assert!(half.is_ended());
    assert!(quiet.is_ended());
    wait_for(|| server.service.gave_up());
}

#[test]
fn the_deadline_holds_even_when_every_thread_is_blocked() {
    let mut server = Setup::own(LINGER, DEADLINE).start();
    let threads = available_parallelism().unwrap().get() + 2;
    let mut clients: Vec<Client> = (0..threads).map(|_| Client::connect(server.address())).collect();
    for client in &mut clients {
        client.ask("/block");
    }
    wait_for(|| server.drain().connections() == threads);
    server.drain().begin();
    let (outcome, waited) = server.drained();
    assert_eq!(outcome, Outcome::Cut(threads));
    assert!(waited < DEADLINE * 10, "waited {waited:?}");
    server.service.open_the_gate();
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut server = Setup::own(LONG, LONG).start();
    let mut client = Client::connect(server.address());
    client.ask("/gate");
    wait_for(|| server.service.gate.receiver_count() == 1);
    server.drain().begin();
    server.drain().force();
    let (outcome, waited) = server.drained();
    assert_eq!(outcome, Outcome::Forced(1));
    assert!(waited < LONG / 2, "waited {waited:?}");
    assert!(client.is_ended());
}

#[test]
fn nothing_is_left_of_a_lane_that_is_dropped() {
    let server = Setup::own(LONG, LONG).start();
    let address = server.address();
    let mut client = Client::connect(address);
    client.ask("/gate");
    wait_for(|| server.service.gate.receiver_count() == 1);
    let service = server.service.clone();
    drop(server);
    assert!(client.is_ended());
    wait_for(|| service.gate.receiver_count() == 0);
    wait_for(|| Client::try_connect(address).is_err());
}

fn wait_until_accepted(listener: &std::net::TcpListener, accepted: &mut Option<std::net::TcpStream>) {
    let mut stream = None;
    let cell = std::cell::RefCell::new(&mut stream);
    wait_for(|| {
        if let Ok((stream, _)) = listener.accept() {
            **cell.borrow_mut() = Some(stream);
        }
        cell.borrow().is_some()
    });
    *accepted = stream;
}
