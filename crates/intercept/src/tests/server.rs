//! The servers: a test of this binary, which another test starts.

use std::env;
use std::fs;
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as SocketAddrUnix, UnixDatagram, UnixListener};
use std::path::Path;
use std::process;
use std::thread;

use rustix::event::epoll;
use rustix::net::sockopt::set_socket_reuseport;
use socket2::{Domain, Socket, Type};

use super::SERVER;
use crate::launcher;

/// Serves, if the variable is set.
#[test]
fn is_a_server() {
    let Ok(what) = env::var(SERVER) else { return };
    if env::args().any(|argument| argument == launcher::tests::TEST) {
        // The test harness takes the launcher's arguments for names of tests, this one among them.
        return;
    }
    let (kind, address) = what.split_once(' ').unwrap();
    if kind == "unix" {
        serve_at(Path::new(address));
    }
    let address: SocketAddr = address.parse().unwrap();
    match kind {
        "waits" => wait_in_accept(address),
        "edge" => follow_edges(&TcpListener::bind(address).unwrap()),
        "crowd" => thread::scope(|scope| {
            let listener = TcpListener::bind(address).unwrap();
            for _ in 0..8 {
                let listener = listener.try_clone().unwrap();
                scope.spawn(move || accept_for_ever(&listener));
            }
        }),
        "everywhere" => follow_edges(&TcpListener::bind(("0.0.0.0", address.port())).unwrap()),
        "localhost" => {
            let v4 = TcpListener::bind(address).unwrap();
            let v6 = TcpListener::bind(("::1", address.port())).unwrap();
            assert!(v4.local_addr().unwrap().is_ipv4() && v6.local_addr().unwrap().is_ipv6());
        }
        "refused" => assert_eq!(TcpListener::bind(address).unwrap_err().kind(), ErrorKind::AddrInUse),
        "twice" => {
            let first = TcpListener::bind(address).unwrap();
            assert_eq!(TcpListener::bind(address).unwrap_err().kind(), ErrorKind::AddrInUse);
            drop(first);
            TcpListener::bind(address).unwrap();
        }
        "shared" => {
            let bind = || {
                let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
                set_socket_reuseport(&socket, true).unwrap();
                socket.bind(&address.into()).unwrap();
                socket
            };
            let _both = (bind(), bind());
        }
        "elsewhere" => {
            let any = TcpListener::bind("127.0.0.1:0").unwrap();
            assert_ne!(any.local_addr().unwrap().port(), 0);
            UdpSocket::bind(address).unwrap();
            let folder = tempfile::tempdir().unwrap();
            UnixDatagram::bind(folder.path().join("socket")).unwrap();
        }
        "shuts" => {
            let listener = TcpListener::bind(address).unwrap();
            rustix::net::shutdown(&listener, rustix::net::Shutdown::Both).unwrap();
        }
        other => panic!("{other}"),
    }
    process::exit(0);
}

/// Removes the file of an earlier run, and its own at once, as other programs do when they end.
fn serve_at(path: &Path) -> ! {
    drop(fs::remove_file(path));
    // A relative path, as many programs have.
    env::set_current_dir(path.parent().unwrap()).unwrap();
    let listener = UnixListener::bind(path.file_name().unwrap()).unwrap();
    let name = format!("intercept-{}", process::id());
    let other = UnixListener::bind_addr(&SocketAddrUnix::from_abstract_name(name).unwrap());
    fs::write("other", "").and_then(|()| fs::remove_file("other")).unwrap();
    assert!(other.is_ok() && !Path::new("other").exists());
    fs::remove_file(path).unwrap();
    loop {
        let (mut stream, peer) = listener.accept().unwrap();
        assert!(peer.is_unnamed());
        let _ = writeln!(stream, "{}", process::id());
    }
}

/// Like C and Python: `accept` returns when there is a connection.
fn wait_in_accept(address: SocketAddr) {
    let listener = TcpListener::bind(address).unwrap();
    assert_eq!(listener.local_addr().unwrap(), address);
    accept_for_ever(&listener);
}

fn accept_for_ever(listener: &TcpListener) {
    loop {
        let (stream, peer) = listener.accept().unwrap();
        assert_eq!(stream.peer_addr().unwrap(), peer);
        answer(stream);
    }
}

/// Like tokio and Go: edge-triggered, they accept until `EAGAIN`.
fn follow_edges(listener: &TcpListener) {
    listener.set_nonblocking(true).unwrap();
    let poll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
    epoll::add(&poll, listener, epoll::EventData::new_u64(0), flags).unwrap();
    let mut events = Vec::with_capacity(1);
    loop {
        epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), None).unwrap();
        events.clear();
        loop {
            match listener.accept() {
                Ok((stream, _)) => answer(stream),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    break;
                }
            }
        }
    }
}

fn answer(mut stream: TcpStream) {
    // The connection may be a poke, which is closed already.
    let _ = writeln!(stream, "{}", process::id());
}
