//! A proxy that holds requests while nobody is ready.
//!
//! For programs that take their port from `PORT`, where their sockets cannot be lent. Every request goes to the server
//! that is current when it comes; one that comes while there is none waits. Bodies stream both ways, a connection that
//! is upgraded (WebSocket) becomes a pipe.

mod backend;
mod errand;
#[cfg(test)]
mod trial;

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::runtime;
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

use crate::proxy::backend::Backends;

/// How long accepting pauses after an error that will last, such as running out of descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// The proxy; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Proxy {
    backends: Arc<Backends>,
    over: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Knows what is under way to which server.
#[derive(Clone, Debug)]
pub(crate) struct UnderWay(Arc<Backends>);

impl Proxy {
    /// Serves on a listener; every request waits until there is a target.
    pub(crate) fn start(listener: TcpListener) -> io::Result<Proxy> {
        listener.set_nonblocking(true)?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let (target, _) = watch::channel(None);
        let backends = Arc::new(Backends::new(target));
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

    /// From now on new requests go there; those under way stay where they are.
    pub(crate) fn switch(&self, target: Option<SocketAddr>) {
        self.backends.switch(target);
    }

    /// For whoever wants to know when a server has nothing to do any more.
    pub(crate) fn under_way(&self) -> UnderWay {
        UnderWay(Arc::clone(&self.backends))
    }
}

impl UnderWay {
    /// Requests that have chosen this server and have no answer yet.
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
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // The client has given up; the next one is not affected.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => continue,
            // Out of descriptors or memory: the listener stays readable, and only time helps.
            Err(_) => {
                sleep(PAUSE).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let backends = Arc::clone(&backends);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let backends = Arc::clone(&backends);
                async move { Ok::<_, Infallible>(errand::run(request, &backends).await) }
            });
            let mut builder = Builder::new();
            builder.preserve_header_case(true).auto_date_header(false);
            // A client that breaks off is its own business.
            let _ = builder.serve_connection(TokioIo::new(stream), service).with_upgrades().await;
        });
    }
}
