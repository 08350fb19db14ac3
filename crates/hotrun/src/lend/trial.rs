//! Lending, tried on servers that are tests of this binary.

#![allow(
    clippy::exit,
    clippy::print_stdout,
    reason = "a test that is a server ends as one; what is not tried is said"
)]

mod server;

use std::env;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::child::{self, Child, Spec};
use crate::lend::{Heard, Lending, unavailable};
use crate::socket::Owned;

/// Tells a test of this binary that it is a server, of which kind and where.
const SERVER: &str = "HOTRUN_TEST_SERVER";

const PATIENCE: Duration = Duration::from_secs(20);

/// A server that was lent its sockets.
struct Lent {
    child: Child,
    lending: Lending,
    heard: Receiver<Heard>,
}

impl Lent {
    fn start(kind: &str, owned: &Arc<Owned>, address: SocketAddr) -> Lent {
        let program = [env::current_exe().unwrap().into_os_string()].into_iter();
        let arguments = ["--exact", "lend::trial::server::is_a_server", "--nocapture"].map(Into::into);
        let spec = Spec {
            program: program.chain(arguments).collect(),
            arg0: None,
            env: vec![(SERVER.into(), format!("{kind} {address}").into())],
            dir: env::temp_dir(),
            listen_fds: Vec::new(),
            listen_pid: false,
            lend: true,
        };
        let mut child = child::start(spec).unwrap();
        let notify = child.notify.take().unwrap_or_else(|| panic!("{:?}", child.unfiltered));
        let (sender, heard) = channel();
        let tell = move |what| drop(sender.send(what));
        let lending = Lending::serve(notify, Arc::clone(owned), tell).unwrap();
        Lent { child, lending, heard }
    }

    fn ready(kind: &str, owned: &Arc<Owned>, address: SocketAddr) -> Lent {
        let lent = Lent::start(kind, owned, address);
        lent.hears(&Heard::Bound(address));
        lent.hears(&Heard::Listening(address));
        lent
    }

    fn hears(&self, expected: &Heard) {
        assert_eq!(self.heard.recv_timeout(PATIENCE).as_ref(), Ok(expected));
    }

    /// Everything that is heard until the server has ended.
    fn story(mut self) -> Vec<Heard> {
        assert!(self.child.process.wait().unwrap().success());
        self.heard.iter().take_while(|heard| *heard != Heard::Ended).collect()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let _ = self.child.process.kill();
        let _ = self.child.process.wait();
    }
}

fn place() -> (Arc<Owned>, SocketAddr) {
    (Arc::default(), TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
}

/// Which process answers.
fn ask(address: SocketAddr) -> u32 {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.trim().parse().unwrap()
}

fn can_lend() -> bool {
    if let Some(reason) = unavailable() {
        eprintln!("SKIPPED: {reason}");
        return false;
    }
    true
}

#[test]
fn two_servers_that_know_nothing_of_it_share_one_socket() {
    if !can_lend() {
        return;
    }
    for kind in ["waits", "crowd", "edge"] {
        let (owned, address) = place();
        let old = Lent::ready(kind, &owned, address);
        assert_eq!(ask(address), old.child.pid);
        old.hears(&Heard::Accepting(address));
        let new = Lent::ready(kind, &owned, address);
        drop(old);
        assert_eq!(ask(address), new.child.pid, "{kind}");
        assert_eq!(owned.addresses(), [address]);
    }
}

#[test]
fn who_is_held_takes_no_connection() {
    if !can_lend() {
        return;
    }
    for kind in ["waits", "crowd", "edge"] {
        let (owned, address) = place();
        let old = Lent::ready(kind, &owned, address);
        ask(address);
        let new = Lent::ready(kind, &owned, address);
        old.lending.hold();
        for _ in 0..200 {
            assert_eq!(ask(address), new.child.pid, "{kind}");
        }
    }
}

/// The negative control: whoever is not held takes some.
#[test]
fn who_is_not_held_takes_connections() {
    if !can_lend() {
        return;
    }
    for kind in ["waits", "crowd", "edge"] {
        let (owned, address) = place();
        let old = Lent::ready(kind, &owned, address);
        let _new = Lent::ready(kind, &owned, address);
        let taken = (0..100_000).find(|_| ask(address) == old.child.pid);
        assert!(taken.is_some(), "{kind}");
    }
}

#[test]
fn who_is_released_takes_what_waits() {
    if !can_lend() {
        return;
    }
    for kind in ["waits", "crowd", "edge"] {
        let (owned, address) = place();
        let old = Lent::ready(kind, &owned, address);
        ask(address);
        old.lending.hold();
        let clients: Vec<_> = (0..50).map(|_| thread::spawn(move || ask(address))).collect();
        // They wait: nobody else is there.
        let listener = owned.at(address).unwrap();
        while !listener.has_waiting() {
            thread::yield_now();
        }
        assert!(!clients.iter().any(thread::JoinHandle::is_finished));
        old.lending.release();
        for client in clients {
            assert_eq!(client.join().unwrap(), old.child.pid, "{kind}");
        }
    }
}

#[test]
fn an_address_that_a_stranger_holds_is_refused_with_its_name() {
    if !can_lend() {
        return;
    }
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = stranger.local_addr().unwrap();
    let refused = Lent::start("refused", &Arc::default(), address);
    let story = refused.story();
    let [Heard::Refused { address: found, by: Some(by) }] = story.as_slice() else { panic!("{story:?}") };
    assert_eq!((*found, by.pid), (address, process::id()));
}

#[test]
fn one_program_cannot_bind_twice_unless_it_says_so() {
    if !can_lend() {
        return;
    }
    let (owned, address) = place();
    let bound = Heard::Bound(address);
    assert_eq!(
        Lent::start("twice", &owned, address).story(),
        [bound.clone(), Heard::Listening(address), bound.clone(), Heard::Listening(address)]
    );
    assert_eq!(Lent::start("shared", &owned, address).story(), [bound.clone(), bound]);
}

#[test]
fn every_address_of_a_program_is_lent() {
    if !can_lend() {
        return;
    }
    let (owned, v4) = place();
    let v6 = SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, v4.port()));
    if TcpListener::bind(v6).is_err() {
        eprintln!("SKIPPED: there is no IPv6");
        return;
    }
    for _ in 0..2 {
        let story = Lent::start("localhost", &owned, v4).story();
        assert_eq!(story, [Heard::Bound(v4), Heard::Listening(v4), Heard::Bound(v6), Heard::Listening(v6)]);
    }
    assert_eq!(owned.addresses(), [v4, v6]);
}

/// The developer edits `127.0.0.1` to `0.0.0.0`: the kernel gives the port to one of them only.
#[test]
fn an_address_that_ours_is_in_the_way_of_is_served_by_ours() {
    if !can_lend() {
        return;
    }
    let (owned, address) = place();
    let old = Lent::ready("edge", &owned, address);
    let new = Lent::ready("everywhere", &owned, address);
    old.lending.hold();
    assert_eq!(ask(address), new.child.pid);
}

#[test]
fn what_is_no_address_of_ours_is_left_alone() {
    if !can_lend() {
        return;
    }
    let (owned, address) = place();
    assert_eq!(Lent::start("elsewhere", &owned, address).story(), []);
    assert_eq!(owned.addresses(), []);
}

#[test]
fn a_server_that_shuts_its_listener_does_not_shut_ours() {
    if !can_lend() {
        return;
    }
    let (owned, address) = place();
    Lent::start("shuts", &owned, address).story();
    let _waiting = TcpStream::connect(address).unwrap();
    let next = Lent::ready("waits", &owned, address);
    assert_eq!(ask(address), next.child.pid);
}

/// `TcpListener::bind` of the standard library asks for 128.
#[test]
fn a_thousand_may_wait() {
    if !can_lend() {
        return;
    }
    let (owned, address) = place();
    let server = Lent::ready("edge", &owned, address);
    server.lending.hold();
    let waiting: Vec<_> =
        (0..1000).map(|_| TcpStream::connect_timeout(&address, PATIENCE).unwrap()).collect();
    assert_eq!(waiting.len(), 1000);
}
