//! The signal that an address of the site drains.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use tokio::sync::watch;

/// Tells the clients of one address that it drains. Cheap to clone.
#[derive(Clone)]
pub(crate) struct DrainSignal {
    next: Arc<watch::Sender<Option<Next>>>,
}

/// The address at which the clients go on, if that is known.
#[derive(Clone, Copy)]
struct Next(Option<SocketAddr>);

/// One client's end of the signal.
pub(crate) struct DrainListener {
    next: watch::Receiver<Option<Next>>,
    reached: Option<IpAddr>,
}

impl DrainSignal {
    pub(crate) fn new() -> Self {
        Self { next: Arc::default() }
    }

    /// Drains; the clients go on at `next`.
    pub(crate) fn drain(&self, next: Option<SocketAddr>) {
        self.next.send_replace(Some(Next(next)));
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.next.borrow().is_some()
    }

    /// A listener for a client that has connected to `reached`.
    pub(crate) fn listener(&self, reached: Option<IpAddr>) -> DrainListener {
        DrainListener { next: self.next.subscribe(), reached }
    }
}

impl DrainListener {
    /// Resolves when the address drains, with the address at which this client goes on. It is safe to cancel.
    pub(crate) async fn drained(&mut self) -> Option<SocketAddr> {
        match self.next.wait_for(Option::is_some).await {
            Ok(next) => next.and_then(|Next(address)| address).map(|next| reachable(next, self.reached)),
            Err(_) => None,
        }
    }
}

/// The address for one client. Nobody can connect to the unspecified address (`0.0.0.0`, `::`), so it is replaced by the address that
/// the client has reached.
fn reachable(address: SocketAddr, reached: Option<IpAddr>) -> SocketAddr {
    match reached {
        Some(reached) if address.ip().is_unspecified() => SocketAddr::new(reached, address.port()),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::reachable;

    #[test]
    fn a_client_is_sent_to_an_address_that_it_can_reach() {
        for (address, reached, expected) in [
            ("127.0.0.1:8081", Some("10.0.0.7"), "127.0.0.1:8081"),
            ("0.0.0.0:8081", Some("10.0.0.7"), "10.0.0.7:8081"),
            ("[::]:8081", Some("::1"), "[::1]:8081"),
            ("0.0.0.0:8081", None, "0.0.0.0:8081"),
        ] {
            let reached = reached.map(|ip| ip.parse().unwrap());
            assert_eq!(reachable(address.parse().unwrap(), reached), expected.parse().unwrap());
        }
    }
}
