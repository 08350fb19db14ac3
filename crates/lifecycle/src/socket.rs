//! The listening socket, handed over or bound.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Type};
use thiserror::Error;

use crate::door;
use crate::drain::Drain;
use crate::inherited::Inherited;
use crate::port_owner::PortOwner;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// A listening TCP socket: non-blocking, closed on exec.
#[derive(Debug)]
pub struct Socket {
    listener: TcpListener,
    address: SocketAddr,
    shared: bool,
}

/// An address cannot be bound.
#[derive(Debug, Error)]
#[error("cannot bind `{address}`: {reason}{}", held_by(owner.as_ref()))]
pub struct BindError {
    /// The address as it was asked for, `host:port`.
    pub address: String,
    /// What the system said.
    #[source]
    pub reason: io::Error,
    /// Who holds the port, where that can be found out.
    pub owner: Option<PortOwner>,
}

impl Socket {
    /// The socket that a supervisor hands over by systemd's convention: `LISTEN_FDS` says 1, `LISTEN_PID`
    /// names this process or is absent. `None` when nothing is handed over. [`Inherited::take`] also hears of a
    /// predecessor.
    ///
    /// Call it once, before any thread starts: it removes both variables from the environment, so that
    /// children do not take the descriptor for theirs.
    pub fn take() -> io::Result<Option<Socket>> {
        Ok(Inherited::take()?.socket)
    }

    /// Binds `address` and listens. Port 0 takes a free one, told by [`Socket::address`].
    pub fn bind(address: SocketAddr) -> Result<Socket, BindError> {
        listen(address).map_err(|reason| {
            let taken = reason.kind() == io::ErrorKind::AddrInUse;
            let owner = if taken { PortOwner::of(address.port()) } else { None };
            BindError { address: address.to_string(), reason, owner }
        })
    }

    /// Binds `host`, an IP address or `localhost`, which is `127.0.0.1`, or `::1` on a machine without IPv4.
    pub fn bind_host(host: &str, port: u16) -> Result<Socket, BindError> {
        if host == "localhost" {
            let first = Socket::bind((Ipv4Addr::LOCALHOST, port).into());
            return match first {
                Err(error) if unavailable(&error.reason) => Socket::bind((Ipv6Addr::LOCALHOST, port).into()),
                bound => bound,
            };
        }
        match host.parse::<IpAddr>() {
            Ok(ip) => Socket::bind((ip, port).into()),
            Err(_) => Err(BindError {
                address: format!("{host}:{port}"),
                reason: io::Error::new(io::ErrorKind::InvalidInput, "expected an IP address or `localhost`"),
                owner: None,
            }),
        }
    }

    /// The same as [`Socket::bind_host`], also where one of `ours` holds the port at an address that overlaps:
    /// `127.0.0.1` and `0.0.0.0`. Both then listen; the more special address has the preference.
    pub fn bind_host_beside(host: &str, port: u16, ours: &[&Socket]) -> Result<Socket, BindError> {
        let alone = Socket::bind_host(host, port);
        match alone {
            Err(error) if error.reason.kind() == io::ErrorKind::AddrInUse => {
                let named = host.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, port));
                let beside = named.ok().and_then(|address| listen_beside(address, ours).ok());
                beside.ok_or(error)
            }
            _ => alone,
        }
    }

    /// Whether this is the socket that `host` and `port` name, as [`Socket::bind_host`] understands them.
    pub fn is_at(&self, host: &str, port: u16) -> bool {
        let here = match host {
            "localhost" => {
                [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].contains(&self.address.ip())
            }
            _ => host.parse() == Ok(self.address.ip()),
        };
        here && (port == 0 || port == self.address.port())
    }

    /// Takes the queue over from another handle of this socket, whose server ends by `drain`: that one stops
    /// accepting at once and leaves the door open. Accept here before and after, as you like.
    pub fn take_over(&self, drain: &Drain) {
        drain.share();
        // After the drain knows: what it shuts from now on it opens again.
        let _ = door::open(&self.listener);
    }

    /// The same socket, open to new clients again after a drain elsewhere has shut it.
    pub(crate) fn reopened(self) -> io::Result<Socket> {
        door::open(&self.listener)?;
        Ok(self)
    }

    /// Another handle on the same socket, with the same queue: the queue lives until the last one is closed.
    pub fn try_clone(&self) -> io::Result<Socket> {
        let listener = self.listener.try_clone()?;
        Ok(Socket { listener, address: self.address, shared: self.shared })
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether another process holds it too, so that connections that nobody accepts here are not lost.
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    pub(crate) fn into_listener(self) -> TcpListener {
        self.listener
    }

    pub(crate) fn new(listener: TcpListener, shared: bool) -> io::Result<Socket> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Socket { listener, address, shared })
    }
}

fn listen(address: SocketAddr) -> io::Result<Socket> {
    let socket = unbound(address)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Socket::new(socket.into(), false)
}

/// The kernel lets overlapping addresses of one port be bound only while all of their sockets agree to share
/// the port; outside this function none does.
#[cfg(target_os = "linux")]
fn listen_beside(address: SocketAddr, ours: &[&Socket]) -> io::Result<Socket> {
    let socket = unbound(address)?;
    let overlapping: Vec<_> = ours
        .iter()
        .filter(|held| held.address.port() == address.port() && held.address != address)
        .map(|held| socket2::SockRef::from(&held.listener))
        .collect();
    let agree = |agree| {
        socket.set_reuse_port(agree)?;
        overlapping.iter().try_for_each(|held| held.set_reuse_port(agree))
    };
    let bound = agree(true).and_then(|()| socket.bind(&address.into())).and_then(|()| socket.listen(BACKLOG));
    agree(false)?;
    bound?;
    Socket::new(socket.into(), false)
}

#[cfg(not(target_os = "linux"))]
fn listen_beside(_address: SocketAddr, _ours: &[&Socket]) -> io::Result<Socket> {
    Err(io::ErrorKind::AddrInUse.into())
}

fn unbound(address: SocketAddr) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // On Windows the option would allow two servers on one port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    Ok(socket)
}

fn unavailable(reason: &io::Error) -> bool {
    matches!(reason.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
}

fn held_by(owner: Option<&PortOwner>) -> String {
    owner.map(|owner| format!(", held by {owner}")).unwrap_or_default()
}
