//! Lends sockets to a program that was never written for it.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::socket::{Holder, Owned};

/// What a child was heard to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It was given our listener for this address.
    Bound(SocketAddr),
    /// Another program holds the address; the child's `bind` failed.
    Refused { address: SocketAddr, by: Option<Holder> },
    /// It has called `listen` on a lent socket.
    Listening(SocketAddr),
    /// It accepts on a lent socket, for the first time.
    Accepting(SocketAddr),
    /// Nobody under the filter lives any more.
    Ended,
}

/// A thread that answers one child's notifications; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Lending;

impl Lending {
    /// Answers on `notify`, with listeners of `owned`; `tell` is called on the thread.
    pub(crate) fn serve(
        _notify: OwnedFd,
        _owned: Arc<Owned>,
        _tell: impl Fn(Heard) + Send + 'static,
    ) -> Lending {
        Lending
    }

    /// From now on the child's `accept` finds nothing.
    pub(crate) fn hold(&self) {}

    /// The child accepts again, and hears of what waits.
    pub(crate) fn release(&self) {}
}
