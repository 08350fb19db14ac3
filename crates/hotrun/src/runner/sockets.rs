//! The sockets on which hotrun itself listens.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use intercept::Listeners;

use crate::error::Error;
use crate::plan::{Front, Sockets};
use crate::proxy::{self, Proxy};
use crate::socket_mode::SocketMode;

/// Binds the addresses of the settings, unless no port is to be owned.
pub(super) fn own(sockets: &Sockets, mode: SocketMode) -> Result<Arc<Listeners>, Error> {
    let owned = Arc::new(Listeners::default());
    if mode != SocketMode::Plain {
        for &address in &sockets.addresses {
            owned.own(address).map_err(|error| refused(address, &error))?;
        }
    }
    Ok(owned)
}

pub(super) fn start_proxy(owned: &Listeners) -> Result<Proxy, Error> {
    let refuse = |error| Error::unfit(format!("the proxy cannot be started: {error}"));
    let listener = owned.duplicates(|_| true).map_err(refuse)?.into_iter().next();
    let listener = listener.ok_or_else(|| {
        Error::unfit("`[socket] way = \"proxy\"` needs an `address`, which the proxy is to listen on")
    })?;
    Proxy::start(listener.into(), proxy::UNREACHED).map_err(refuse)
}

/// Listens on all addresses, as air does: a container's port is reached from outside.
pub(super) fn start_front(front: &Front) -> Result<Proxy, Error> {
    let refuse = |error: io::Error| {
        Error::unfit(format!(
            "`proxy.proxy_port` is {}, where hotrun cannot listen: {error}",
            front.proxy_port
        ))
    };
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, front.proxy_port)).map_err(refuse)?;
    let proxy = Proxy::start(listener, front.timeout).map_err(refuse)?;
    proxy.switch(Some((Ipv4Addr::LOCALHOST, front.app_port).into()));
    Ok(proxy)
}

fn refused(address: SocketAddr, error: &io::Error) -> Error {
    match intercept::port_holder(address) {
        Some(holder) => Error::held(format!(
            "`{address}` is held by `{}` (process {}): end that, or give another `[socket] address`",
            holder.name, holder.pid
        )),
        None if error.kind() == io::ErrorKind::AddrInUse => Error::held(format!(
            "`{address}` is held by another program: end that, or give another `[socket] address`"
        )),
        None => Error::unfit(format!("`{address}` cannot be bound: {error}")),
    }
}
