//! What a process' connections are doing.
//!
//! From outside nobody sees requests; but the kernel knows, of every connection, when bytes last went which way. Who
//! has received something since it last sent something owes an answer.

mod connection;
mod manners;

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;

use crate::reaper;

use self::connection::Connection;

pub(crate) use self::manners::catches;

/// The established connections of a group of processes on some ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    /// Connections that the processes hold.
    pub(crate) open: usize,
    /// Those on which an answer is owed or under way.
    pub(crate) busy: usize,
}

/// Looks at every process of the group.
pub(crate) fn traffic(group: u32, addresses: &[SocketAddr]) -> Traffic {
    let ports: BTreeSet<u16> = addresses.iter().map(SocketAddr::port).collect();
    let mut connections: Vec<_> = ports.into_iter().flat_map(connection::on).collect();
    if !connections.is_empty() {
        let held = sockets(group);
        connections.retain(|connection| held.contains(&connection.inode));
    }
    Traffic {
        open: connections.len(),
        busy: connections.iter().filter(|connection| connection.is_busy()).count(),
    }
}

/// Whether a process of the group holds the server's side of the connection that comes from `peer`.
pub(crate) fn holds(group: u32, peer: SocketAddr) -> bool {
    let from_there = |connection: &Connection| connection.peer == peer.port();
    let ends: Vec<_> = connection::all().into_iter().filter(from_there).collect();
    !ends.is_empty() && {
        let held = sockets(group);
        ends.iter().any(|connection| held.contains(&connection.inode))
    }
}

/// The inodes of all sockets that the group holds.
fn sockets(group: u32) -> BTreeSet<u64> {
    let inode = |link: String| link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok();
    links(group).filter_map(inode).collect()
}

/// What the group's descriptors are.
fn links(group: u32) -> impl Iterator<Item = String> {
    reaper::members(group).into_iter().flat_map(links_of)
}

/// What a process' descriptors are.
fn links_of(process: u32) -> impl Iterator<Item = String> {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    descriptors
        .filter_map(|descriptor| fs::read_link(descriptor.path()).ok()?.into_os_string().into_string().ok())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread;
    use std::time::{Duration, Instant};

    use rustix::process::getpgrp;

    use super::{Traffic, holds, traffic};

    /// The kernel's clock is coarse, and a connection is quiet only after a moment.
    fn soon(what: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(10);
        while !is_so() {
            assert!(Instant::now() < end, "{what}");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn who_owes_an_answer_is_busy() {
        let group = getpgrp().as_raw_pid().cast_unsigned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let now = || traffic(group, &[address]);
        assert_eq!(now(), Traffic::default());
        let mut client = TcpStream::connect(address).unwrap();
        assert_eq!(now(), Traffic::default(), "nobody has accepted it");
        let (mut server, peer) = listener.accept().unwrap();
        assert!(holds(group, peer) && !holds(4_194_305, peer));
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
