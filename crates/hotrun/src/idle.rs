//! Finds out whether the connections of a server are idle.
//!
//! Requests cannot be seen from outside. But the kernel records, for every connection, when bytes last went in which
//! direction. A process that has received something since it last sent something owes an answer.

mod connection;
mod rest;
mod signal_handlers;
mod sockets;
mod unix;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use intercept::Address;
use process_tree::ProcessTree;
use rustix::net::{Shutdown, shutdown};

use self::connection::Connection;
use self::sockets::{descriptors_of, duplicate, sockets, sockets_of};

pub(crate) use self::rest::rests;
pub(crate) use self::signal_handlers::{Language, has_handler, is_handled};

/// The established connections of a program on some ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    /// Connections that the processes hold.
    pub(crate) open: usize,
    /// Connections on which an answer is owed or under way.
    pub(crate) busy: usize,
}

/// The answers that were owed when a server was told to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Owed {
    /// Connections with an answer owed.
    pub(crate) connections: usize,
    /// The effect of the signal on the processes that owe them.
    pub(crate) death: Death,
    /// The language of these processes.
    pub(crate) language: Language,
}

/// True if a signal ends a process at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Death {
    /// No, or it cannot be known.
    #[default]
    No,
    /// The runtime of the language has a handler: the exit status of the group's leader tells whether the program has one.
    Unknown,
    Yes,
}

/// Counts the connections of the program to these addresses. The kernel tells no times about a Unix socket, so each of its connections
/// counts as busy.
pub(crate) fn traffic(tree: ProcessTree, addresses: &[Address]) -> Traffic {
    let connections = connections(tree, addresses);
    let unix = unix_connections(tree, addresses);
    Traffic {
        open: connections.len() + unix,
        busy: connections.iter().filter(|connection| connection.is_busy()).count() + unix,
    }
}

/// The answers that the program owes now, and the effect of the signal.
pub(crate) fn owed(tree: ProcessTree, addresses: &[Address], signal: i32) -> Owed {
    let mut busy = connections(tree, addresses);
    busy.retain(Connection::is_busy);
    let inodes: BTreeSet<u64> = busy.iter().map(|connection| connection.inode).collect();
    let mut debtors = tree.members();
    debtors.retain(|process| sockets_of(*process).any(|inode| inodes.contains(&inode)));
    let death = if debtors.iter().any(|process| !has_handler(*process, signal)) {
        Death::Yes
    } else if debtors == [tree.leader()] && !is_handled(tree, signal) {
        Death::Unknown
    } else {
        Death::No
    };
    let language = debtors.first().map_or(Language::Other, |process| Language::of(*process));
    Owed { connections: busy.len(), death, language }
}

/// The processes of the program that listen on these addresses or hold connections to them.
pub(crate) fn servers(tree: ProcessTree, addresses: &[Address]) -> Vec<u32> {
    let mut inodes: BTreeSet<u64> = connections(tree, addresses).iter().map(|one| one.inode).collect();
    inodes.extend(ports(addresses).into_iter().flat_map(connection::listening));
    inodes.extend(unix::sockets(addresses).into_iter().map(|socket| socket.inode));
    let mut servers = tree.members();
    servers.retain(|process| sockets_of(*process).any(|inode| inodes.contains(&inode)));
    servers
}

/// Shuts the reading side of the program's idle connections down, as if their clients had closed them. The program then closes
/// them. A request that arrives before the program has seen the end is still read and answered.
pub(crate) fn close_idle(tree: ProcessTree, addresses: &[Address]) {
    let mut idle = connections(tree, addresses);
    idle.retain(|connection| !connection.is_busy());
    if idle.is_empty() {
        return;
    }
    for process in tree.members() {
        for (descriptor, inode) in descriptors_of(process) {
            if idle.iter().any(|connection| connection.inode == inode)
                && let Some(socket) = duplicate(process, descriptor)
            {
                let _ = shutdown(&socket, Shutdown::Read);
            }
        }
    }
}

/// True if a process of the program holds the server's side of the connection that comes from `peer`.
pub(crate) fn holds(tree: ProcessTree, peer: SocketAddr) -> bool {
    let from_there = |connection: &Connection| connection.peer == peer.port();
    let ends: Vec<_> = connection::all().into_iter().filter(from_there).collect();
    !ends.is_empty() && {
        let held = sockets(tree);
        ends.iter().any(|connection| held.contains(&connection.inode))
    }
}

/// The program's connections to these addresses.
fn connections(tree: ProcessTree, addresses: &[Address]) -> Vec<Connection> {
    let mut connections: Vec<_> = ports(addresses).into_iter().flat_map(connection::on).collect();
    if !connections.is_empty() {
        let held = sockets(tree);
        connections.retain(|connection| held.contains(&connection.inode));
    }
    connections
}

/// The number of the program's connections to Unix sockets among these addresses.
fn unix_connections(tree: ProcessTree, addresses: &[Address]) -> usize {
    let mut found = unix::sockets(addresses);
    found.retain(|socket| socket.is_connected);
    if !found.is_empty() {
        let held = sockets(tree);
        found.retain(|socket| held.contains(&socket.inode));
    }
    found.len()
}

fn ports(addresses: &[Address]) -> BTreeSet<u16> {
    addresses.iter().filter_map(|address| Some(address.tcp()?.port())).collect()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread;
    use std::time::{Duration, Instant};

    use rustix::process::getpgrp;

    use super::{ProcessTree, Traffic, holds, traffic};

    /// The kernel's clock is coarse, so a connection becomes idle only after some milliseconds.
    fn soon(what: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(10);
        while !is_so() {
            assert!(Instant::now() < end, "{what}");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_connection_with_an_answer_owed_is_busy() {
        let tree = ProcessTree::new(getpgrp().as_raw_pid().cast_unsigned());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let now = || traffic(tree, &[address.into()]);
        assert_eq!(now(), Traffic::default());
        let mut client = TcpStream::connect(address).unwrap();
        assert_eq!(now(), Traffic::default(), "no process has accepted it");
        let (mut server, peer) = listener.accept().unwrap();
        assert!(holds(tree, peer) && !holds(ProcessTree::new(4_194_305), peer));
        soon("a connection without a request", || now() == Traffic { open: 1, busy: 0 });
        client.write_all(b"a request").unwrap();
        soon("unread", || now() == Traffic { open: 1, busy: 1 });
        server.read_exact(&mut [0; 9]).unwrap();
        thread::sleep(Duration::from_millis(60));
        assert_eq!(now(), Traffic { open: 1, busy: 1 }, "read, not answered");
        server.write_all(b"an answer").unwrap();
        client.read_exact(&mut [0; 9]).unwrap();
        soon("answered", || now() == Traffic { open: 1, busy: 0 });
        client.write_all(b"another").unwrap();
        soon("asked again", || now() == Traffic { open: 1, busy: 1 });
        drop((client, server));
        soon("closed", || now() == Traffic::default());
    }
}
