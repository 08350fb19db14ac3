//! Interception, on servers that are tests of this binary.

#![allow(
    clippy::exit,
    clippy::print_stdout,
    reason = "a test that is a server ends as one; skipped tests are named"
)]

mod server;

use std::env;
use std::fmt::Display;
use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Address, Child, Event, Interceptor, Listeners, Marker, Spec, start, unavailable};

/// A variable that makes a test of this binary a server: its kind and its address.
const SERVER: &str = "INTERCEPT_TEST_SERVER";

const PATIENCE: Duration = Duration::from_secs(20);

/// A server whose calls are intercepted.
struct Server {
    child: Child,
    interceptor: Interceptor,
    events: Receiver<Event>,
}

impl Server {
    fn start(kind: &str, listeners: &Arc<Listeners>, address: impl Display) -> Server {
        let program = [env::current_exe().unwrap().into_os_string()].into_iter();
        let arguments = ["--exact", "tests::server::is_a_server", "--nocapture"].map(Into::into);
        let env = vec![(SERVER.into(), format!("{kind} {address}").into())];
        let mut child = start(Spec { env, ..Spec::new(program.chain(arguments)) }).unwrap();
        let notify = child.notify.take().unwrap_or_else(|| panic!("{:?}", child.unfiltered));
        let (sender, events) = channel();
        let tell = move |event| drop(sender.send(event));
        let interceptor = Interceptor::serve(notify, Arc::clone(listeners), tell).unwrap();
        Server { child, interceptor, events }
    }

    fn ready(kind: &str, listeners: &Arc<Listeners>, address: SocketAddr) -> Server {
        let server = Server::start(kind, listeners, address);
        server.expect(&Event::Bound(address.into()));
        server.expect(&Event::Listening(address.into()));
        server
    }

    fn expect(&self, expected: &Event) {
        assert_eq!(self.events.recv_timeout(PATIENCE).as_ref(), Ok(expected));
    }

    /// All events until the server has ended.
    fn until_end(mut self) -> Vec<Event> {
        assert!(self.child.process.wait().unwrap().success());
        self.events.iter().take_while(|event| *event != Event::Ended).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.process.kill();
        let _ = self.child.process.wait();
    }
}

fn place() -> (Arc<Listeners>, SocketAddr) {
    (Arc::default(), TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
}

/// The id of the process that answers.
fn ask(address: SocketAddr) -> u32 {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.trim().parse().unwrap()
}

fn is_available() -> bool {
    if let Some(reason) = unavailable() {
        conformance::skipped(&reason);
        return false;
    }
    true
}

#[test]
fn two_servers_share_one_socket() {
    if !is_available() {
        return;
    }
    for kind in ["waits", "crowd", "edge"] {
        let (listeners, address) = place();
        let old = Server::ready(kind, &listeners, address);
        assert_eq!(ask(address), old.child.pid);
        old.expect(&Event::Accepting(address.into()));
        let new = Server::ready(kind, &listeners, address);
        drop(old);
        assert_eq!(ask(address), new.child.pid, "{kind}");
        assert_eq!(listeners.addresses(), [address.into()]);
    }
}

#[test]
fn a_server_on_hold_receives_no_connection() {
    if !is_available() {
        return;
    }
    for kind in ["waits", "crowd", "edge"] {
        let (listeners, address) = place();
        let old = Server::ready(kind, &listeners, address);
        ask(address);
        let new = Server::ready(kind, &listeners, address);
        old.interceptor.hold();
        for _ in 0..200 {
            assert_eq!(ask(address), new.child.pid, "{kind}");
        }
    }
}

/// The negative control.
#[test]
fn a_server_that_is_not_on_hold_receives_connections() {
    if !is_available() {
        return;
    }
    for kind in ["waits", "crowd", "edge"] {
        let (listeners, address) = place();
        let old = Server::ready(kind, &listeners, address);
        let _new = Server::ready(kind, &listeners, address);
        let taken = (0..100_000).find(|_| ask(address) == old.child.pid);
        assert!(taken.is_some(), "{kind}");
    }
}

#[test]
fn a_released_server_receives_the_connections_that_wait() {
    if !is_available() {
        return;
    }
    for kind in ["waits", "crowd", "edge"] {
        let (listeners, address) = place();
        let old = Server::ready(kind, &listeners, address);
        ask(address);
        old.interceptor.hold();
        let clients: Vec<_> = (0..50).map(|_| thread::spawn(move || ask(address))).collect();
        // There is no other server.
        let listener = listeners.at(&address.into()).unwrap();
        while !listener.has_waiting() {
            thread::yield_now();
        }
        assert!(!clients.iter().any(thread::JoinHandle::is_finished));
        old.interceptor.release();
        for client in clients {
            assert_eq!(client.join().unwrap(), old.child.pid, "{kind}");
        }
    }
}

#[test]
fn an_address_that_another_program_holds_is_refused_with_its_name() {
    if !is_available() {
        return;
    }
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let refused = Server::start("refused", &Arc::default(), address);
    let events = refused.until_end();
    let [Event::Refused { address: found, by: Some(by) }] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((found, by.pid), (&address.into(), process::id()));
}

#[test]
fn a_program_binds_an_address_twice_only_with_reuseport() {
    if !is_available() {
        return;
    }
    let (listeners, address) = place();
    let bound = Event::Bound(address.into());
    assert_eq!(
        Server::start("twice", &listeners, address).until_end(),
        [bound.clone(), Event::Listening(address.into()), bound.clone(), Event::Listening(address.into())]
    );
    assert_eq!(Server::start("shared", &listeners, address).until_end(), [bound.clone(), bound]);
}

#[test]
fn every_address_of_a_program_is_intercepted() {
    if !is_available() {
        return;
    }
    let (listeners, v4) = place();
    let v6 = SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, v4.port()));
    if TcpListener::bind(v6).is_err() {
        conformance::skipped("there is no IPv6");
        return;
    }
    for _ in 0..2 {
        let events = Server::start("localhost", &listeners, v4).until_end();
        let of = |address: SocketAddr| [Event::Bound(address.into()), Event::Listening(address.into())];
        assert_eq!(events, [of(v4), of(v6)].concat());
    }
    assert_eq!(listeners.addresses(), [v4.into(), v6.into()]);
}

/// The developer edits `127.0.0.1` to `0.0.0.0`. The kernel lets one of the two have the port.
#[test]
fn an_address_that_conflicts_with_a_listener_is_answered_with_it() {
    if !is_available() {
        return;
    }
    let (listeners, address) = place();
    let old = Server::ready("edge", &listeners, address);
    let new = Server::ready("everywhere", &listeners, address);
    old.interceptor.hold();
    assert_eq!(ask(address), new.child.pid);
}

#[test]
fn other_sockets_are_left_to_the_kernel() {
    if !is_available() {
        return;
    }
    let (listeners, address) = place();
    assert_eq!(Server::start("elsewhere", &listeners, address).until_end(), []);
    assert_eq!(listeners.addresses(), []);
}

/// A Unix socket is shared like one of TCP. Its file stays until the socket is not used any more.
#[test]
fn two_servers_share_one_unix_socket() {
    if !is_available() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap().join("socket");
    let ask = || {
        let mut answer = String::new();
        UnixStream::connect(&path).unwrap().read_to_string(&mut answer).unwrap();
        answer.trim().parse::<u32>().unwrap()
    };
    let listeners = Arc::new(Listeners::default());
    let ready = || {
        let server = Server::start("unix", &listeners, path.display());
        server.expect(&Event::Bound(Address::Unix(path.clone())));
        server.expect(&Event::Listening(Address::Unix(path.clone())));
        server
    };
    let old = ready();
    assert_eq!(ask(), old.child.pid);
    let new = ready();
    old.interceptor.hold();
    for _ in 0..50 {
        assert_eq!(ask(), new.child.pid);
    }
    drop(old);
    assert_eq!(ask(), new.child.pid);
    listeners.retain(|_| false);
    assert!(!path.exists());
}

#[test]
fn shutdown_of_a_listener_has_no_effect() {
    if !is_available() {
        return;
    }
    let (listeners, address) = place();
    Server::start("shuts", &listeners, address).until_end();
    let _waiting = TcpStream::connect(address).unwrap();
    let next = Server::ready("waits", &listeners, address);
    assert_eq!(ask(address), next.child.pid);
}

/// `TcpListener::bind` of the standard library asks for 128.
#[test]
fn a_thousand_connections_may_wait() {
    if !is_available() {
        return;
    }
    let (listeners, address) = place();
    let server = Server::ready("edge", &listeners, address);
    server.interceptor.hold();
    let waiting: Vec<_> =
        (0..1000).map(|_| TcpStream::connect_timeout(&address, PATIENCE).unwrap()).collect();
    assert_eq!(waiting.len(), 1000);
}

#[test]
fn descendants_carry_the_marker() {
    let marker = Some(Marker { name: "INTERCEPT_TEST_MARKER".to_owned(), prefix: "me-".to_owned() });
    let spec = Spec { marker, intercept: false, ..Spec::new(["sh", "-c", "sleep 60 & echo; wait"]) };
    let mut child = start(spec).unwrap();
    let children = format!("/proc/{0}/task/{0}/children", child.pid);
    let carries_it = |process: &str| {
        let environment = fs::read_to_string(format!("/proc/{process}/environ")).unwrap_or_default();
        environment.split('\0').any(|variable| variable == format!("INTERCEPT_TEST_MARKER=me-{}.", child.pid))
    };
    let end = Instant::now() + PATIENCE;
    while !fs::read_to_string(&children).unwrap_or_default().split_whitespace().any(&carries_it) {
        assert!(Instant::now() < end, "{:?}", fs::read_to_string(&children));
    }
    assert!(carries_it(&child.pid.to_string()));
    for process in fs::read_to_string(&children).unwrap().split_whitespace() {
        let process = rustix::process::Pid::from_raw(process.parse().unwrap()).unwrap();
        rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
    }
    child.process.wait().unwrap();
}
