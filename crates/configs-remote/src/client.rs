//! The two kinds of sources behind one set of verbs.

use std::time::Duration;

use crate::address::{Address, Place};
#[cfg(feature = "etcd")]
use crate::etcd::Etcd;
use crate::failure::Failure;
use crate::fetched::Fetched;
use crate::http::Http;

/// Asks one source.
pub(crate) enum Client {
    Http(Http),
    #[cfg(feature = "etcd")]
    Etcd(Etcd),
}

impl Client {
    /// `poll` is the longest pause between two questions.
    pub(crate) fn new(address: Address, poll: Duration) -> Client {
        match address.place {
            Place::Http(url) => Client::Http(Http::new(url, poll)),
            #[cfg(feature = "etcd")]
            Place::Etcd(place) => Client::Etcd(Etcd::new(place, poll)),
        }
    }

    /// Asks for the newest text.
    pub(crate) async fn fetch(&mut self) -> Result<Fetched, Failure> {
        match self {
            Client::Http(http) => http.fetch().await,
            #[cfg(feature = "etcd")]
            Client::Etcd(etcd) => etcd.fetch().await,
        }
    }

    /// Waits until it is time to ask again.
    pub(crate) async fn wait(&mut self) {
        match self {
            Client::Http(http) => http.wait().await,
            #[cfg(feature = "etcd")]
            Client::Etcd(etcd) => etcd.wait().await,
        }
    }
}
