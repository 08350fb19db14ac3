//! Slow and silent clients, and a system without descriptors.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::child::Child;
use crate::client::Client;
use crate::server::{LONG, Setup, wait_for};

const SHORT: Duration = Duration::from_millis(300);

#[test]
fn a_head_that_comes_slowly_is_cut() {
    let server = Setup::own(LONG, LONG).timeouts(SHORT, LONG).start();
    let since = Instant::now();
    let mut client = Client::connect(server.address());
    for piece in ["GET / HT", "TP/1.1\r\n", "host: t"] {
        client.send(piece);
        sleep(SHORT / 4);
    }
    assert!(client.is_ended());
    assert!(since.elapsed() >= SHORT);
    wait_for(|| server.drain().connections() == 0);
}

#[test]
fn a_client_that_sends_nothing_is_cut() {
    let server = Setup::own(LONG, LONG).timeouts(SHORT, LONG).start();
    assert!(Client::connect(server.address()).is_ended());
}

#[test]
fn an_idle_connection_is_closed() {
    let server = Setup::own(LONG, LONG).timeouts(SHORT, LONG).start();
    let mut client = Client::connect(server.address());
    client.get("/");
    let since = Instant::now();
    assert!(client.is_ended());
    assert!(since.elapsed() >= SHORT / 2);
}

#[test]
fn a_slow_handler_is_not_taken_for_an_idle_connection() {
    let server = Setup::own(LONG, LONG).timeouts(SHORT, SHORT).start();
    let mut client = Client::connect(server.address());
    client.ask("/gate");
    sleep(SHORT * 3);
    server.service.open_the_gate();
    assert_eq!(client.answer().body, "through the gate");
}

#[test]
fn a_client_that_reads_nothing_is_cut_with_its_answer() {
    let server = Setup::own(LONG, LONG).timeouts(LONG, SHORT).start();
    let mut client = Client::connect(server.address());
    client.ask("/forever");
    wait_for(|| server.service.gave_up());
    wait_for(|| server.drain().connections() == 0);
    assert!(client.is_ended());
}

#[test]
fn a_client_that_reads_slowly_is_not_cut() {
    let timeout = Duration::from_secs(2);
    let server = Setup::own(LONG, LONG).timeouts(LONG, timeout).start();
    let mut client = Client::connect(server.address());
    client.ask("/forever");
    let until = Instant::now() + timeout * 3 / 2;
    while Instant::now() < until {
        client.read_some();
    }
    assert!(!server.service.gave_up());
}

#[test]
fn running_out_of_descriptors_slows_accepting_and_kills_nothing() {
    const DESCRIPTORS: usize = 40;
    let mut child = Child::start("starving_server").spawn();
    let address = child.line().parse().unwrap();
    let mut first = Client::connect(address);
    assert_eq!(first.get("/").status, 200);
    // More connections than it has descriptors. The rest waits in the queue.
    let mut crowd: Vec<Client> = (0..DESCRIPTORS).map(|_| Client::connect(address)).collect();
    for client in &mut crowd {
        client.ask("/");
    }
    child.wait_for_stderr("cannot accept connections");
    assert_eq!(first.get("/").status, 200);
    drop(first);
    for mut client in crowd {
        assert_eq!(client.answer().status, 200);
    }
    assert_eq!(Client::connect(address).get("/").status, 200);
    let rest = child.terminate();
    assert!(!rest.contains("cannot accept"), "told twice: {rest}");
}
