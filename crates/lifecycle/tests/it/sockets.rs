//! Listeners, inherited and bound.

use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::process;

use lifecycle::Socket;

use crate::child::{Child, Running};
use crate::client::Client;

/// A server that gets `file` as descriptor 3.
const HAND_OVER: [&str; 3] = ["sh", "-c", "LISTEN_FDS=1 exec \"$0\" \"$@\" 3<&0"];

fn server_with(file: impl Into<OwnedFd>, launcher: &[&str]) -> Running {
    Child::through(launcher, "server_on_an_inherited_socket").stdin(file).spawn()
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

#[test]
fn an_inherited_socket_is_used_and_not_passed_to_children() {
    let listener = listener();
    let address = listener.local_addr().unwrap();
    let mut heir = server_with(listener, &HAND_OVER);
    assert_eq!(heir.line(), format!("{address} shared=true left=false"));
    // The inherited listener is blocking. A server that left it so would hang here.
    for _ in 0..3 {
        assert_eq!(Client::connect(address).get("/").body, "server_on_an_inherited_socket");
    }
    heir.terminate();
}

#[test]
fn listen_pid_is_respected() {
    let mine = ["sh", "-c", "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\" 3<&0"];
    assert!(server_with(listener(), &mine).line().contains("shared=true"));
    let other = ["sh", "-c", "LISTEN_FDS=1 LISTEN_PID=1 exec \"$0\" \"$@\" 3<&0"];
    assert_eq!(server_with(listener(), &other).line(), "nothing");
    assert_eq!(server_with(listener(), &[]).line(), "nothing");
}

#[test]
fn a_descriptor_that_is_no_listening_tcp_socket_gets_a_clear_error() {
    let refused = |file: OwnedFd| server_with(file, &HAND_OVER).line();
    let words = "error: `LISTEN_FDS` passes no listening TCP socket:";
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    assert_eq!(refused(udp.into()), format!("{words} fd 3 is not a valid tcp socket"));
    let file = tempfile::tempfile().unwrap();
    assert_eq!(refused(file.into()), format!("{words} fd 3 is not a socket"));
    let deaf = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    assert_eq!(refused(deaf.into()), format!("{words} it does not listen"));
    let two = ["sh", "-c", "LISTEN_FDS=2 exec \"$0\" \"$@\" 3<&0 4<&0"];
    assert_eq!(
        server_with(listener(), &two).line(),
        "error: `LISTEN_FDS` passes 2 sockets, expected 1: give each its own server",
    );
}

#[test]
fn the_error_for_a_port_in_use_names_its_owner() {
    let holder = listener();
    let address = holder.local_addr().unwrap();
    let error = Socket::bind(address).unwrap_err();
    assert_eq!(error.address, address.to_string());
    assert_eq!(error.reason.kind(), std::io::ErrorKind::AddrInUse);
    let found = error.owner.clone().unwrap();
    assert_eq!(found.pid, process::id());
    assert!(!found.name.is_empty());
    let text = error.to_string();
    assert!(text.starts_with(&format!("cannot bind `{address}`: ")), "{text}");
    assert!(text.ends_with(&format!(", held by `{}` (process {})", found.name, found.pid)), "{text}");
}

#[test]
fn the_error_for_an_address_of_another_machine_names_no_owner() {
    let error = Socket::bind("192.0.2.1:0".parse().unwrap()).unwrap_err();
    assert_eq!(error.reason.kind(), std::io::ErrorKind::AddrNotAvailable);
    assert_eq!(error.owner, None);
}

#[test]
fn localhost_is_loopback() {
    let socket = Socket::bind_host("localhost", 0).unwrap();
    assert_eq!(socket.address().ip(), IpAddr::V4(Ipv4Addr::LOCALHOST));
    assert_ne!(socket.address().port(), 0);
    assert!(!socket.is_shared());
    assert!(Client::try_connect(socket.address()).is_ok());
}

#[test]
fn a_host_that_is_no_address_gets_a_clear_error() {
    let error = Socket::bind_host("example.org", 80).unwrap_err();
    assert_eq!(error.to_string(), "cannot bind `example.org:80`: expected an IP address or `localhost`",);
}

#[test]
fn an_existing_service_stops_by_sigterm_in_either_form() {
    let mut plain = Child::start("service_in_two_lines").spawn();
    let address = plain.line().parse().unwrap();
    assert!(Client::try_connect(address).is_ok());
    plain.terminate();
    let mut lossless = Child::start("lossless_service").spawn();
    let address = lossless.line().parse().unwrap();
    let mut client = Client::connect(address);
    assert_eq!(client.get("/").body, "lossless");
    lossless.signal(rustix::process::Signal::TERM);
    crate::server::wait_for(|| Client::connect(address).get("/").closes());
    assert!(client.get("/").closes());
    assert!(lossless.exit().success());
}

#[test]
fn an_existing_service_takes_an_inherited_socket() {
    let listener = listener();
    let address = listener.local_addr().unwrap().to_string();
    let mut service = Child::through(&HAND_OVER, "service_in_two_lines").stdin(listener).spawn();
    assert_eq!(service.line(), address);
    service.terminate();
}

#[test]
fn a_socket_knows_the_names_of_its_address() {
    let socket = Socket::bind_host("127.0.0.1", 0).unwrap();
    let port = socket.address().port();
    for (host, port, expected) in [
        ("127.0.0.1", port, true),
        ("localhost", port, true),
        ("127.0.0.1", 0, true),
        ("127.0.0.1", port ^ 1, false),
        ("0.0.0.0", port, false),
        ("127.0.0.2", port, false),
    ] {
        assert_eq!(socket.is_at(host, port), expected, "{host}:{port}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn an_overlapping_address_is_bound_beside_our_own_and_beside_no_others() {
    let ours = Socket::bind_host("127.0.0.1", 0).unwrap();
    let port = ours.address().port();
    let all = Socket::bind_host_beside("0.0.0.0", port, &[&ours]).unwrap();
    assert_eq!(all.address().port(), port);
    assert!(Socket::bind_host("127.0.0.1", port).is_err(), "the agreement is over");
    drop(ours);
    TcpStream::connect(("127.0.0.1", port)).unwrap();

    let theirs = listener();
    let error =
        Socket::bind_host_beside("0.0.0.0", theirs.local_addr().unwrap().port(), &[&all]).unwrap_err();
    assert!(error.owner.is_some_and(|owner| owner.pid == process::id()));
}
