//! A reverse proxy that holds requests while no server is ready.
//!
//! It is for programs that take their port from the variable `PORT`. A request goes to the server that is current when it arrives,
//! and waits while there is none. Bodies stream in both directions. An upgraded connection (WebSocket) becomes a pipe.

mod backend;
mod forward;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::runtime;
use tokio::sync::{oneshot, watch};

use crate::accept::accept;
use crate::outage::Page;
use crate::proxy::backend::Backends;

/// After this time without a connection to the current server, a request fails.
pub(crate) const UNREACHED: Duration = Duration::from_secs(10);

/// The proxy. Dropping it ends it and closes its port.
#[derive(Debug)]
pub(crate) struct Proxy {
    backends: Arc<Backends>,
    over: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Counts the requests under way to each server.
#[derive(Clone, Debug)]
pub(crate) struct UnderWay(Arc<Backends>);

impl Proxy {
    /// Serves on the listener. Requests wait until the first call of [`switch`](Proxy::switch). After `unreached` without a connection to
    /// the current server, a request fails.
    pub(crate) fn start(listener: TcpListener, unreached: Duration) -> io::Result<Proxy> {
        listener.set_nonblocking(true)?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let (target, _) = watch::channel(None);
        let backends = Arc::new(Backends::new(target, unreached));
        let (over, ended) = oneshot::channel();
        let serving = Arc::clone(&backends);
        let thread = thread::Builder::new().name("proxy".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, serving) => {}
                    _ = ended => {}
                }
            });
        })?;
        Ok(Proxy { backends, over: Some(over), thread: Some(thread) })
    }

    /// Sends new requests there; `None` lets them wait. Requests under way are not affected.
    pub(crate) fn switch(&self, target: Option<SocketAddr>) {
        self.backends.switch(target);
    }

    /// Answers requests with this page while no server is current; with `None`, they wait.
    pub(crate) fn refuse(&self, page: Option<Page>) {
        self.backends.refuse(page.map(Arc::new));
    }

    /// The counter, to find out when a server has no request any more.
    pub(crate) fn under_way(&self) -> UnderWay {
        UnderWay(Arc::clone(&self.backends))
    }
}

impl UnderWay {
    /// Number of requests to this server without an answer.
    pub(crate) fn count(&self, target: SocketAddr) -> usize {
        self.0.under_way(target)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: tokio::net::TcpListener, backends: Arc<Backends>) {
    loop {
        let stream = accept(&listener).await;
        let _ = stream.set_nodelay(true);
        let backends = Arc::clone(&backends);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let backends = Arc::clone(&backends);
                async move { Ok::<_, Infallible>(forward::run(request, &backends).await) }
            });
            let mut builder = Builder::new();
            builder.preserve_header_case(true).auto_date_header(false);
            // An error is a client that broke off.
            let _ = builder.serve_connection(TokioIo::new(stream), service).with_upgrades().await;
        });
    }
}
