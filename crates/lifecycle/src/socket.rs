//! A listening socket, inherited or bound.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Type};
use thiserror::Error;

use crate::drain::Drain;
use crate::port_owner::{self, PortOwner};
use crate::syn_filter;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// A listening TCP socket: non-blocking, closed on exec.
#[derive(Debug)]
pub struct Socket {
    listener: TcpListener,
    address: SocketAddr,
    shared: bool,
}

/// Why an address cannot be bound.
#[derive(Debug, Error)]
#[error("cannot bind `{address}`: {reason}{}", held_by(owner.as_ref()))]
pub struct BindError {
    /// The address that was asked for, `host:port`.
    pub address: String,
    /// The system's reason.
    #[source]
    pub reason: io::Error,
    /// The process that listens on the port, if the system tells.
    pub owner: Option<PortOwner>,
}

impl Socket {
    /// Binds `address` and listens. Port 0 stands for a free port, which [`Socket::address`] returns.
    pub fn bind(address: SocketAddr) -> Result<Socket, BindError> {
        listen(address).map_err(|reason| {
            let taken = reason.kind() == io::ErrorKind::AddrInUse;
            let owner = if taken { PortOwner::of(address.port()) } else { None };
            BindError { address: address.to_string(), reason, owner }
        })
    }

    /// Binds `host` and listens: an IP address, or `localhost`, which is `127.0.0.1`, or `::1` on a machine without IPv4.
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

    /// Like [`Socket::bind_host`], but one of `ours` may have the port at an overlapping address: `127.0.0.1` and `0.0.0.0`.
    /// Then both listen, and the kernel prefers the more specific address.
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

    /// True if it listens at `host` and `port`, read as in [`Socket::bind_host`].
    pub fn is_at(&self, host: &str, port: u16) -> bool {
        let here = match host {
            "localhost" => {
                [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].contains(&self.address.ip())
            }
            _ => host.parse() == Ok(self.address.ip()),
        };
        here && (port == 0 || port == self.address.port())
    }

    /// True if the process holds this socket, too, as far as `/proc` tells.
    pub(crate) fn is_held_by(&self, pid: u32) -> bool {
        rustix::fs::fstat(&self.listener).is_ok_and(|stat| port_owner::holds(pid, &[stat.st_ino]))
    }

    /// Takes the queue over from another handle of this socket, whose server ends by `drain`. That server stops accepting at
    /// once, and does not shut the socket to new clients. This handle may accept before and after.
    pub fn take_over(&self, drain: &Drain) {
        drain.share();
        // In this order: a drain that shuts the socket after `share` opens it again.
        let _ = syn_filter::detach(&self.listener);
    }

    /// The same socket, open to new clients again after a drain elsewhere has shut it.
    pub(crate) fn reopened(self) -> io::Result<Socket> {
        syn_filter::detach(&self.listener)?;
        Ok(self)
    }

    /// Another handle of the same socket. The queue lives until the last handle is closed.
    pub fn try_clone(&self) -> io::Result<Socket> {
        let listener = self.listener.try_clone()?;
        Ok(Socket { listener, address: self.address, shared: self.shared })
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// True if another process has it too. Then connections that this process does not accept are not lost.
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

/// The kernel binds overlapping addresses of one port only while all of their sockets have `SO_REUSEPORT`. Outside this
/// function none has it, so that no other process can take the port.
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

fn unbound(address: SocketAddr) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    Ok(socket)
}

fn unavailable(reason: &io::Error) -> bool {
    matches!(reason.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
}

fn held_by(owner: Option<&PortOwner>) -> String {
    owner.map(|owner| format!(", held by {owner}")).unwrap_or_default()
}
