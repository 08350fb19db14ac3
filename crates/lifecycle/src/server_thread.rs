//! A listener that is served on a runtime of its own.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::drain::Drain;
use crate::endpoint::Endpoint;
use crate::runtime_stats::register_runtime;
use crate::stage::Outcome;

/// Time that a runtime may take to end after the deadline. All of its threads may be blocked.
const GRACE: Duration = Duration::from_millis(250);

/// An endpoint that is served on threads of its own. Dropping it forces its end.
#[derive(Debug)]
pub struct ServerThread {
    address: SocketAddr,
    drain: Drain,
    ended: oneshot::Receiver<io::Result<Outcome>>,
}

/// Serves `endpoint` with a framework's `serve` on a runtime and threads of its own. They are gone when the drain is over,
/// whatever the framework left behind: tasks, timers, connections.
pub fn spawn<F, Fut>(endpoint: Endpoint, serve: F) -> io::Result<ServerThread>
where
    F: FnOnce(Endpoint) -> Fut + Send + 'static,
    Fut: Future<Output = io::Result<()>>,
{
    start(endpoint.address(), endpoint.drain().clone(), move || serve(endpoint))
}

/// The same for a server that has its endpoint already.
pub(crate) fn start<F, Fut>(address: SocketAddr, drain: Drain, serve: F) -> io::Result<ServerThread>
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = io::Result<()>>,
{
    let runtime =
        Builder::new_multi_thread().thread_name(format!("port-{}", address.port())).enable_all().build()?;
    let (report, ended) = oneshot::channel();
    let order = drain.clone();
    thread::Builder::new().name(format!("server-{}", address.port())).spawn(move || {
        let _listed = register_runtime(format!("port-{}", address.port()), runtime.handle());
        let result = runtime.block_on(async {
            // The outcome is decided before the framework's future, and with it every connection, is dropped.
            let cut = async {
                order.cut().await;
                order.settle()
            };
            tokio::select! {
                result = serve() => conclude(&order, result),
                outcome = cut => Ok(outcome),
            }
        });
        runtime.shutdown_background();
        let _ = report.send(result);
    })?;
    Ok(ServerThread { address, drain, ended })
}

impl ServerThread {
    /// The address that it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its drain.
    pub fn drain(&self) -> &Drain {
        &self.drain
    }

    /// Resolves with the outcome when it has ended, 250 ms after the deadline at the latest. An error says why it ended without
    /// a drain. Cancelling it loses nothing. It must not be called again after it has resolved.
    pub async fn drained(&mut self) -> io::Result<Outcome> {
        let overdue = async {
            self.drain.cut().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            biased;
            ended = &mut self.ended => ended.unwrap_or_else(|_| Err(io::Error::other("the server panicked"))),
            () = overdue => Ok(self.drain.settle()),
        }
    }
}

impl Drop for ServerThread {
    fn drop(&mut self) {
        self.drain.force();
    }
}

fn conclude(drain: &Drain, result: io::Result<()>) -> io::Result<Outcome> {
    result?;
    if drain.is_draining() {
        Ok(drain.settle())
    } else {
        Err(io::Error::other("the server ended without having been asked to"))
    }
}
