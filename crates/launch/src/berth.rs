//! One place at which the site is served, from the bound socket to the last connection.

use std::{io, net::SocketAddr};

use lifecycle::{Drain, Endpoint, Lane, Socket, Terms};
use site::Site;
use tokio::sync::oneshot;

/// A listener about to be served: what can fail has not failed, and nothing is accepted yet. Dropping it gives it up.
pub(crate) struct Berth {
    lane: Lane,
    spare: Socket,
    over_from: Option<Drain>,
    begin: oneshot::Sender<Site>,
}

/// A listener being served.
pub(crate) struct Place {
    site: Site,
    lane: Lane,
}

impl Berth {
    /// Makes `socket` ready for `serve`. The queue will be taken over from the place at the same socket that ends by
    /// `over_from`, if there is one.
    pub(crate) fn new<S, F>(
        socket: Socket,
        over_from: Option<Drain>,
        terms: Terms,
        serve: S,
    ) -> io::Result<Berth>
    where
        S: FnOnce(Site, Endpoint) -> F + Send + 'static,
        F: Future<Output = io::Result<()>> + 'static,
    {
        let spare = socket.try_clone()?;
        let drain = Drain::new(terms, socket.is_shared());
        let (begin, site) = oneshot::channel();
        let lane = lifecycle::spawn(Endpoint::new(socket, drain), async move |endpoint| match site.await {
            Ok(site) => serve(site, endpoint).await,
            Err(_) => Ok(()),
        })?;
        Ok(Berth { lane, spare, over_from, begin })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.lane.address()
    }

    /// Begins to accept. `site` is served here from now on; the socket that is left over is another handle on the
    /// same queue.
    pub(crate) fn open(self, site: &Site) -> (Place, Socket) {
        if let Some(drain) = &self.over_from {
            self.spare.take_over(drain);
        }
        let site = site.served_at(self.address());
        let _ = self.begin.send(site.clone());
        (Place { site, lane: self.lane }, self.spare)
    }
}

impl Place {
    pub(crate) fn address(&self) -> SocketAddr {
        self.lane.address()
    }

    pub(crate) fn drain(&self) -> &Drain {
        self.lane.drain()
    }

    pub(crate) fn lane(&mut self) -> &mut Lane {
        &mut self.lane
    }

    /// Drains it: who asks is told to go on elsewhere.
    pub(crate) fn leave(&self) {
        // In this order: who hears `bye` and asks again is already told to close.
        self.lane.drain().begin();
        self.site.drain();
    }
}
