//! A listener that is about to be served.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use tokio::sync::oneshot;

use crate::drain::Drain;
use crate::endpoint::Endpoint;
use crate::server_thread::{self, ServerThread};
use crate::socket::Socket;
use crate::stage::DrainTimeouts;

/// A framework's server for one listener.
pub(crate) type Serving = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// Makes a framework's server for a listener that begins to accept.
pub(crate) type Serve = Box<dyn Fn(Endpoint) -> Serving + Send + Sync>;

/// A listener with its threads and descriptors: what can fail has succeeded, and nothing is accepted yet. Dropping it
/// gives it up.
pub(crate) struct PreparedListener {
    thread: ServerThread,
    endpoint: Endpoint,
    spare: Socket,
    over_from: Option<Drain>,
    begin: oneshot::Sender<Serving>,
}

impl PreparedListener {
    /// Makes `socket` ready. Its queue is taken over from the listener that ends by `over_from`, if there is one.
    pub(crate) fn new(
        socket: Socket,
        over_from: Option<Drain>,
        timeouts: DrainTimeouts,
    ) -> io::Result<PreparedListener> {
        let spare = socket.try_clone()?;
        let drain = Drain::new(timeouts, socket.is_shared());
        let (begin, serving) = oneshot::channel::<Serving>();
        let thread =
            server_thread::start(socket.address(), drain.clone(), async move || match serving.await {
                Ok(serving) => serving.await,
                Err(_) => Ok(()),
            })?;
        Ok(PreparedListener { thread, endpoint: Endpoint::new(socket, drain), spare, over_from, begin })
    }

    /// The address that it is going to serve.
    pub(crate) fn address(&self) -> SocketAddr {
        self.endpoint.address()
    }

    /// Begins to accept with what `serve` makes. Returns the listener and another handle of its socket; an error if its
    /// thread is gone.
    pub(crate) fn open(self, serve: &Serve) -> Result<(ServerThread, Socket), ()> {
        if let Some(drain) = &self.over_from {
            self.spare.take_over(drain);
        }
        self.begin.send(serve(self.endpoint)).map_err(drop)?;
        Ok((self.thread, self.spare))
    }
}
