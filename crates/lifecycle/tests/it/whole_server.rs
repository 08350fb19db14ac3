//! A [`lifecycle::Server`] as a process: what signals and requests do to it.

use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;

use rustix::process::Signal;

use crate::child::{Child, Running};
use crate::client::Client;
use crate::server::wait_for;

#[test]
fn a_second_stop_ends_a_server_whose_reload_hangs() {
    let (mut server, address) = started(Child::start("server_whose_reload_hangs"));
    server.signal(Signal::HUP);
    assert_eq!(server.line(), "reloading");
    ends_at_the_second_stop(&mut server, address);
}

#[test]
fn a_second_stop_ends_a_server_whose_supervisor_does_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let _unread = UnixDatagram::bind(&path).unwrap();
    let sender = UnixDatagram::unbound().unwrap();
    sender.set_nonblocking(true).unwrap();
    let full = loop {
        if let Err(error) = sender.send_to(b"x", &path) {
            break error.kind();
        }
    };
    assert_eq!(full, io::ErrorKind::WouldBlock);
    let child = Child::start("server_whose_reload_hangs").env("NOTIFY_SOCKET", path.to_str().unwrap());
    let (mut server, address) = started(child);
    ends_at_the_second_stop(&mut server, address);
}

#[test]
fn a_server_moves_to_another_address_and_leaves_the_first_one() {
    let (mut server, first) = started(Child::start("server_that_moves"));
    server.signal(Signal::HUP);
    let second: SocketAddr = server.line().parse().unwrap();
    assert_ne!(first.ip(), second.ip());
    assert_eq!(Client::connect(second).get("/").body, "moving");
    wait_for(|| Client::try_connect(first).is_err());
    assert_eq!(Client::connect(second).get("/").body, "moving");
    assert_eq!(server.terminate(), "");
    assert!(Client::try_connect(second).is_err());
}

#[test]
fn a_program_upgrades_its_server_by_itself_and_hears_why_not() {
    let (mut server, address) = started(Child::start("server_that_asks_for_an_upgrade"));
    server.signal(Signal::HUP);
    let outcome = server.line();
    assert!(outcome.starts_with("Err(Refused(\"its SHA-256 is "), "{outcome}");
    assert_eq!(Client::connect(address).get("/").body, "upgrading");
    server.terminate();
}

fn started(child: Child) -> (Running, SocketAddr) {
    let mut server = child.spawn();
    let address = server.line().parse().unwrap();
    (server, address)
}

/// The drain of the server lasts for as long as a client is connected, up to minutes.
fn ends_at_the_second_stop(server: &mut Running, address: SocketAddr) {
    let mut client = Client::connect(address);
    client.get("/");
    server.signal(Signal::TERM);
    while !client.get("/").closes() {}
    let mut kept = Client::connect(address);
    kept.send("GET / HTTP/1.1\r\n");
    server.signal(Signal::TERM);
    assert!(server.exit().success());
    assert!(kept.is_ended());
}
