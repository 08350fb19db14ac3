//! One server after the other on one socket, under load. The linger is there for this.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use lifecycle::{Outcome, Socket};

use crate::client::{Answer, Client};
use crate::server::{LONG, Setup, wait_for};

const GENERATIONS: [&str; 9] = ["0", "1", "2", "3", "4", "5", "6", "7", "8"];

/// Answers that the newest server must have given before it is replaced.
const FLOW: usize = 100;

type Ask = fn(SocketAddr, &mut Option<Client>) -> io::Result<Answer>;

#[derive(Default)]
struct Record {
    over: AtomicBool,
    failed: AtomicUsize,
    answered: [AtomicUsize; GENERATIONS.len()],
}

/// Stops the clients, also when the test has failed.
struct Over<'a>(&'a Record);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::SeqCst);
    }
}

#[test]
fn no_request_is_lost_when_one_server_follows_another() {
    let record = hand_over_under_load(Duration::from_millis(200));
    assert_eq!(record.failed.into_inner(), 0);
}

#[test]
fn without_a_linger_requests_are_lost_so_the_test_above_can_fail() {
    let record = hand_over_under_load(Duration::ZERO);
    assert_ne!(record.failed.into_inner(), 0);
}

#[test]
fn every_client_that_connected_before_the_listener_closed_is_answered() {
    let mut server = Setup::own(Duration::from_millis(500), LONG)
        .start_on(Socket::bind_host("127.0.0.1", 0).unwrap(), GENERATIONS[0]);
    let address = server.address();
    let record = Record::default();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| ask_until_refused(address, &record, ask_on_kept_connections));
            scope.spawn(|| ask_until_refused(address, &record, ask_on_a_new_connection));
        }
        wait_for(|| record.answered[0].load(Ordering::SeqCst) > FLOW);
        server.drain().begin();
        assert_eq!(server.drained().0, Outcome::Clean);
    });
    assert_eq!(record.failed.into_inner(), 0);
}

#[test]
fn a_socket_taken_over_at_any_moment_of_its_drain_is_served_on() {
    let socket = Socket::bind_host("127.0.0.1", 0).unwrap();
    let address = socket.address();
    let record = Record::default();
    let setup = Setup::own(Duration::from_millis(100), LONG);
    let mut serving = setup.start_on(socket.try_clone().unwrap(), GENERATIONS[0]);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| keep_asking(address, &record, ask_on_kept_connections));
            scope.spawn(|| keep_asking(address, &record, ask_on_a_new_connection));
        }
        let _over = Over(&record);
        for (number, name) in GENERATIONS.into_iter().enumerate().skip(1) {
            wait_for(|| record.answered[number - 1].load(Ordering::SeqCst) > FLOW);
            serving.drain().begin();
            // From before the end of the linger to after the listener was shut.
            thread::sleep(Duration::from_millis(60 + 20 * u64::try_from(number).unwrap()));
            let again = socket.try_clone().unwrap();
            again.take_over(serving.drain());
            let successor = setup.start_on(again, name);
            assert_eq!(serving.drained().0, Outcome::Clean);
            serving = successor;
        }
        wait_for(|| record.answered[GENERATIONS.len() - 1].load(Ordering::SeqCst) > FLOW);
    });
    assert_eq!(record.failed.into_inner(), 0);
}

/// Replaces a server eight times, while eight clients ask without a pause or with a short one.
fn hand_over_under_load(linger: Duration) -> Record {
    let socket = Socket::bind_host("127.0.0.1", 0).unwrap();
    let address = socket.address();
    let record = Record::default();
    let setup = Setup::shared(linger, LONG);
    let mut serving = setup.start_on(socket.try_clone().unwrap(), GENERATIONS[0]);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| keep_asking(address, &record, ask_on_kept_connections));
            scope.spawn(|| keep_asking(address, &record, ask_on_a_new_connection));
        }
        let _over = Over(&record);
        wait_for(|| record.answered[0].load(Ordering::SeqCst) > FLOW);
        for (number, name) in GENERATIONS.into_iter().enumerate().skip(1) {
            let successor = setup.start_on(socket.try_clone().unwrap(), name);
            serving.drain().begin();
            assert_eq!(serving.drained().0, Outcome::Clean);
            serving = successor;
            wait_for(|| record.answered[number].load(Ordering::SeqCst) > FLOW);
        }
    });
    record
}

fn ask_until_refused(address: SocketAddr, record: &Record, ask: Ask) {
    let mut kept = None;
    loop {
        match ask(address, &mut kept) {
            Ok(_) => record.answered[0].fetch_add(1, Ordering::SeqCst),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return,
            Err(_) => {
                kept = None;
                record.failed.fetch_add(1, Ordering::SeqCst)
            }
        };
    }
}

fn keep_asking(address: SocketAddr, record: &Record, ask: Ask) {
    let mut kept = None;
    while !record.over.load(Ordering::SeqCst) {
        match ask(address, &mut kept) {
            Ok(answer) if answer.status == 200 => {
                let generation: usize = answer.body.parse().unwrap();
                record.answered[generation].fetch_add(1, Ordering::SeqCst);
            }
            Ok(_) | Err(_) => {
                kept = None;
                record.failed.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

fn ask_on_kept_connections(address: SocketAddr, kept: &mut Option<Client>) -> io::Result<Answer> {
    if kept.is_none() {
        *kept = Some(Client::try_connect(address)?);
    }
    thread::sleep(Duration::from_millis(2));
    let client = kept.as_mut().unwrap();
    let answer = client.try_get("/")?;
    if answer.closes() {
        *kept = None;
    }
    Ok(answer)
}

fn ask_on_a_new_connection(address: SocketAddr, _kept: &mut Option<Client>) -> io::Result<Answer> {
    Client::try_connect(address)?.try_get("/")
}
