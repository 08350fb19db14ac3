//! One place at which the site is served.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use tokio::sync::watch;

/// A place that can be left while the site is served on at others. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Stand {
    left: Arc<watch::Sender<Option<Onward>>>,
}

/// Where the clients of a place that was left go on.
#[derive(Clone, Copy)]
struct Onward(Option<SocketAddr>);

/// One client's wait for the leave.
pub(crate) struct Leave {
    left: watch::Receiver<Option<Onward>>,
    reached: Option<IpAddr>,
}

impl Stand {
    pub(crate) fn new() -> Self {
        Self { left: Arc::default() }
    }

    pub(crate) fn leave(&self, onward: Option<SocketAddr>) {
        self.left.send_replace(Some(Onward(onward)));
    }

    pub(crate) fn is_left(&self) -> bool {
        self.left.borrow().is_some()
    }

    /// `reached` is the address of ours that the client knows.
    pub(crate) fn leave_of(&self, reached: Option<IpAddr>) -> Leave {
        Leave { left: self.left.subscribe(), reached }
    }
}

impl Leave {
    /// Resolves when the place is left, with where this client goes on. Cancelling it loses nothing.
    pub(crate) async fn taken(&mut self) -> Option<SocketAddr> {
        match self.left.wait_for(Option::is_some).await {
            Ok(left) => left.and_then(|Onward(address)| address).map(|address| known(address, self.reached)),
            Err(_) => None,
        }
    }
}

/// The address of every interface is an address of none: a client goes on where it reached us.
fn known(address: SocketAddr, reached: Option<IpAddr>) -> SocketAddr {
    match reached {
        Some(reached) if address.ip().is_unspecified() => SocketAddr::new(reached, address.port()),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::known;

    #[test]
    fn a_client_is_sent_to_an_address_that_it_can_reach() {
        for (address, reached, expected) in [
            ("127.0.0.1:8081", Some("10.0.0.7"), "127.0.0.1:8081"),
            ("0.0.0.0:8081", Some("10.0.0.7"), "10.0.0.7:8081"),
            ("[::]:8081", Some("::1"), "[::1]:8081"),
            ("0.0.0.0:8081", None, "0.0.0.0:8081"),
        ] {
            let reached = reached.map(|ip| ip.parse().unwrap());
            assert_eq!(known(address.parse().unwrap(), reached), expected.parse().unwrap());
        }
    }
}
