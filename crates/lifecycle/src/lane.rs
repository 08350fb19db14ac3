//! A listener with a runtime of its own.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::drain::Drain;
use crate::endpoint::Endpoint;
use crate::stage::Outcome;

/// How long after the deadline a runtime whose threads are all blocked is still waited for.
const GRACE: Duration = Duration::from_millis(250);

/// One endpoint being served, on threads of its own. Dropping it forces its end.
#[derive(Debug)]
pub struct Lane {
    address: SocketAddr,
    drain: Drain,
    ended: oneshot::Receiver<io::Result<Outcome>>,
}

/// Serves `endpoint` with a framework's `serve` on a runtime and threads of its own, which are gone when
/// the drain is over, whatever the framework left behind: tasks, timers, connections.
pub fn spawn<F, Fut>(endpoint: Endpoint, serve: F) -> io::Result<Lane>
where
    F: FnOnce(Endpoint) -> Fut + Send + 'static,
    Fut: Future<Output = io::Result<()>>,
{
    start(endpoint.address(), endpoint.drain().clone(), move || serve(endpoint))
}

/// The same for a server that has its endpoint already.
pub(crate) fn start<F, Fut>(address: SocketAddr, drain: Drain, serve: F) -> io::Result<Lane>
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = io::Result<()>>,
{
    let runtime =
        Builder::new_multi_thread().thread_name(format!("port-{}", address.port())).enable_all().build()?;
    let (report, ended) = oneshot::channel();
    let order = drain.clone();
    thread::Builder::new().name(format!("lane-{}", address.port())).spawn(move || {
        let result = runtime.block_on(async {
            // Settled before the framework's future is dropped, which would leave nothing to count.
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
    Ok(Lane { address, drain, ended })
}

impl Lane {
    /// The address that it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The order of its end.
    pub fn drain(&self) -> &Drain {
        &self.drain
    }

    /// Resolves when it has ended, with how that went; never later than a moment after the deadline. An
    /// error says why it ended without having been asked to. Cancelling it loses nothing; once it has
    /// resolved it must not be called again.
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

impl Drop for Lane {
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
