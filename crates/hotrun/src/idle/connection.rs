//! Lists TCP connections: by socket diagnostics (`sock_diag(7)`), or from `/proc/net` without them.

use std::fs;
use std::io;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

/// Milliseconds. The kernel's clock ticks every 1 to 10 ms, so the order of two events closer than this is unknown.
const BLUR: u32 = 20;

/// Milliseconds. A client that has connected within this time is about to send its request.
const FRESH: u32 = 50;

const ESTABLISHED: u32 = 1;
const CLOSE_WAIT: u32 = 8;
const LISTEN: u32 = 10;

/// The server's side of a connection that a process has accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Connection {
    /// The client's port.
    pub(super) peer: u16,
    pub(super) inode: u64,
    /// There are bytes that the server has not read, or that the client has not acknowledged.
    queued: bool,
    /// `None` without socket diagnostics.
    times: Option<Times>,
}

/// Milliseconds since bytes last went in each direction, and whether any did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    sent: u32,
    received: u32,
    acknowledged: u32,
    has_sent: bool,
    has_received: bool,
}

impl Connection {
    /// True if closing it now would lose a request.
    pub(super) fn is_busy(&self) -> bool {
        self.queued || self.times.is_some_and(Times::owes)
    }
}

impl Times {
    fn owes(self) -> bool {
        match (self.has_received, self.has_sent) {
            (false, false) => self.acknowledged < FRESH,
            (true, false) => true,
            (false, true) => self.sent < BLUR,
            (true, true) => self.received < self.sent || self.sent.min(self.received) < BLUR,
        }
    }
}

/// The connections to a port of this machine; 0 stands for all ports.
pub(super) fn on(port: u16) -> Vec<Connection> {
    in_states(1 << ESTABLISHED | 1 << CLOSE_WAIT, port)
}

/// The inodes of the sockets that listen on a port of this machine. The kernel does not look at connections for it.
pub(super) fn listening(port: u16) -> Vec<u64> {
    in_states(1 << LISTEN, port).iter().map(|socket| socket.inode).collect()
}

/// All connections of this machine.
pub(super) fn all() -> Vec<Connection> {
    on(0)
}

/// The sockets in these states, a bit for each.
fn in_states(states: u32, port: u16) -> Vec<Connection> {
    let families = [AddressFamily::INET, AddressFamily::INET6];
    let found: io::Result<Vec<_>> = families.into_iter().map(|family| ask(family, states, port)).collect();
    found.map_or_else(|_| read(states, port), |found| found.concat())
}

/// Asks the kernel with `SOCK_DIAG_BY_FAMILY`.
fn ask(family: AddressFamily, states: u32, port: u16) -> io::Result<Vec<Connection>> {
    let socket =
        socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(netlink::SOCK_DIAG))?;
    send(&socket, &question(family, states, port), SendFlags::empty())?;
    let mut found = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let (length, _) = recv(&socket, &mut *buffer, RecvFlags::empty())?;
        if !take(&buffer[..length], &mut found)? {
            return Ok(found);
        }
    }
}

/// The request: `nlmsghdr` and `inet_diag_req_v2`.
fn question(family: AddressFamily, states: u32, port: u16) -> Vec<u8> {
    const LENGTH: u32 = 72;
    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const REQUEST_DUMP: u16 = 0x301;
    const TCP: u8 = 6;
    /// The bit of `INET_DIAG_INFO`: asks for `tcp_info`.
    const INFO: u8 = 1 << 1;
    let family = u8::try_from(family.as_raw()).expect("the families of the internet are small numbers");
    let mut bytes = Vec::new();
    bytes.extend(LENGTH.to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(REQUEST_DUMP.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend([family, TCP, INFO, 0]);
    bytes.extend(states.to_ne_bytes());
    bytes.extend(port.to_be_bytes());
    bytes.resize(LENGTH as usize, 0);
    bytes
}

/// Reads one packet of the answer. `false` after the last one.
fn take(mut packet: &[u8], found: &mut Vec<Connection>) -> io::Result<bool> {
    const HEADER: usize = 16;
    const ERROR: u16 = 2;
    const DONE: u16 = 3;
    while let (Some(length), Some(kind)) = (word(packet, 0), half(packet, 4)) {
        let length = (length as usize).max(HEADER);
        match kind {
            DONE => return Ok(false),
            ERROR => return Err(io::ErrorKind::Unsupported.into()),
            _ => found.extend(packet.get(HEADER..length).and_then(message)),
        }
        packet = packet.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(true)
}

/// Reads an `inet_diag_msg` with its attributes. `None` for a connection that no process has accepted: it has no inode.
fn message(bytes: &[u8]) -> Option<Connection> {
    const FIXED: usize = 72;
    const INFO: u16 = 2;
    let peer = u16::from_be_bytes(bytes.get(6..8)?.try_into().ok()?);
    let queued = word(bytes, 56)? > 0 || word(bytes, 60)? > 0;
    let inode = u64::from(word(bytes, 68)?);
    let mut attributes = bytes.get(FIXED..)?;
    let mut times = None;
    while let (Some(length), Some(kind)) = (half(attributes, 0), half(attributes, 2)) {
        let length = usize::from(length).max(4);
        if kind == INFO {
            times = attributes.get(4..length.min(attributes.len())).and_then(tcp_info);
        }
        attributes = attributes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    (inode != 0).then_some(Connection { peer, inode, queued, times })
}

/// Reads the times in a `tcp_info`.
fn tcp_info(bytes: &[u8]) -> Option<Times> {
    Some(Times {
        sent: word(bytes, 44)?,
        received: word(bytes, 52)?,
        acknowledged: word(bytes, 56)?,
        // The counters of segments with data; since Linux 4.6.
        has_received: word(bytes, 152)? > 0,
        has_sent: word(bytes, 156)? > 0,
    })
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// Reads `/proc/net/tcp` and `/proc/net/tcp6`.
fn read(states: u32, port: u16) -> Vec<Connection> {
    let tables =
        ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().filter_map(|table| fs::read_to_string(table).ok());
    tables
        .flat_map(|table| table.lines().filter_map(|line| row(line, states, port)).collect::<Vec<_>>())
        .collect()
}

fn row(line: &str, states: u32, port: u16) -> Option<Connection> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let hex = |text: &str| u32::from_str_radix(text, 16).ok();
    let port_of = |field: &str| u16::from_str_radix(field.rsplit_once(':')?.1, 16).ok();
    let here = port_of(fields.get(1)?)?;
    let state = hex(fields.get(3)?)?;
    let (sent, received) = fields.get(4)?.split_once(':')?;
    let inode: u64 = fields.get(9)?.parse().ok()?;
    let counts = (port == 0 || here == port)
        && 1_u32.checked_shl(state).is_some_and(|bit| states & bit != 0)
        && inode != 0;
    counts.then_some(Connection {
        peer: port_of(fields.get(2)?)?,
        inode,
        queued: hex(sent)? > 0 || hex(received)? > 0,
        times: None,
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::fd::AsRawFd;

    use super::{CLOSE_WAIT, Connection, ESTABLISHED, LISTEN, Times, in_states, listening, read, row, take};

    #[test]
    fn a_server_that_received_after_it_sent_owes_an_answer() {
        let times = |sent: Option<u32>, received: Option<u32>, acknowledged| Times {
            sent: sent.unwrap_or(9000),
            received: received.unwrap_or(9000),
            acknowledged,
            has_sent: sent.is_some(),
            has_received: received.is_some(),
        };
        for (times, owes, what) in [
            (times(None, None, 3), true, "has just connected"),
            (times(None, None, 300), false, "connected and never asked"),
            (times(None, Some(2000), 2000), true, "asked, waits"),
            (times(Some(500), Some(501), 499), false, "was answered half a second ago"),
            (times(Some(500), Some(500), 499), false, "was answered within the tick"),
            (times(Some(500), Some(40), 40), true, "asked again"),
            (times(Some(2), Some(2), 2), true, "one cannot tell which was first"),
            (times(Some(4), Some(800), 4), true, "an answer streams"),
            (times(Some(4000), Some(9000), 4000), false, "a stream that is silent"),
        ] {
            assert_eq!(times.owes(), owes, "{what}");
        }
    }

    #[test]
    fn a_row_of_proc_shows_the_queues() {
        let line = "1: 0100007F:1F90 0100007F:C001 01 00000000:00000005 00:0 0 1000 0 4712 1 0";
        let states = 1 << ESTABLISHED | 1 << CLOSE_WAIT;
        let connection = Connection { peer: 0xC001, inode: 4712, queued: true, times: None };
        assert_eq!(row(line, states, 8080), Some(connection));
        assert_eq!(row(line, states, 0), Some(connection));
        assert_eq!(row(line, states, 8081), None);
        assert_eq!(row(&line.replace(" 01 ", " 0A "), states, 8080), None);
        assert_eq!(row(&line.replace("4712", "0"), states, 8080), None, "no process has accepted it");
        assert_eq!(row("sl local_address", states, 8080), None);
    }

    #[test]
    fn a_socket_that_listens_is_found_and_no_connection() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let listener = TcpListener::bind(address).unwrap();
            let port = listener.local_addr().unwrap().port();
            let link = std::fs::read_link(format!("/proc/self/fd/{}", listener.as_raw_fd())).unwrap();
            let found = listening(port);
            assert_eq!(found.len(), 1);
            assert_eq!(link.to_str().unwrap(), format!("socket:[{}]", found[0]));
            let from_proc = read(1 << LISTEN, port);
            assert_eq!(from_proc.iter().map(|socket| socket.inode).collect::<Vec<_>>(), found);
            assert_eq!(in_states(1 << ESTABLISHED | 1 << CLOSE_WAIT, port), []);
        }
    }

    #[test]
    fn a_broken_packet_is_no_panic() {
        for packet in [&[][..], &[1], &[0; 16], &[255; 40], &[20, 0, 0, 0, 20, 0, 0, 0]] {
            let _ = take(packet, &mut Vec::new());
        }
    }
}
