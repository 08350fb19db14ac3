//! The HTTP/1 server that every service on hyper's types shares.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tower_service::Service;

use crate::door;
use crate::drain::Drain;
use crate::endpoint::Endpoint;
use crate::guest::{Connection, Guest, Patience, tune};
use crate::wire::Wire;

/// Bytes that hyper may hold of one connection in each direction.
const BUFFER: usize = 64 * 1024;

/// Bytes of a request's head that are served; more is answered with 431.
const HEAD: usize = 32 * 1024;

/// How long accepting pauses after an error that will last, such as running out of descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// How long a handshake may be under way when the door is shut.
const DOORSTEP: Duration = Duration::from_millis(100);

/// After how long without such an error the next one is news.
const CALM: Duration = Duration::from_secs(5);

/// Serves `endpoint` with any service on hyper's types until its drain is over.
pub async fn serve<S, B>(endpoint: Endpoint, service: S) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    serve_patiently(endpoint, service, Patience::default()).await
}

/// The same as [`serve`], with a patience of one's own.
pub async fn serve_patiently<S, B>(endpoint: Endpoint, service: S, patience: Patience) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (listener, drain) = endpoint.into_parts();
    let mut driver = Driver { drain, service, patience, connections: JoinSet::new() };
    driver.run(listener).await
}

struct Driver<S> {
    drain: Drain,
    service: S,
    patience: Patience,
    connections: JoinSet<()>,
}

impl<S, B> Driver<S>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    async fn run(&mut self, listener: TcpListener) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let drain = self.drain.clone();
        self.accept_until(&listener, drain.last_call()).await;
        if !drain.is_shared() {
            self.close_behind_the_last(listener).await?;
        }
        self.finish().await;
        Ok(())
    }

    /// Nobody else accepts on a listener of our own, and closing it resets whoever is in its queue or on
    /// the way there.
    async fn close_behind_the_last(&mut self, listener: tokio::net::TcpListener) -> io::Result<()> {
        let drain = self.drain.clone();
        if door::shut(&listener).is_ok() {
            self.accept_until(&listener, doorstep(&drain)).await;
            if drain.is_shared() {
                return door::open(&listener);
            }
        }
        self.empty_the_queue(&listener.into_std()?)
    }

    async fn accept_until(&mut self, listener: &tokio::net::TcpListener, enough: impl Future<Output = ()>) {
        let mut enough = pin!(enough);
        let mut trouble: Option<Instant> = None;
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut enough => return,
                Some(_) = self.connections.join_next() => continue,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.connect(stream, peer),
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    if trouble.is_none_or(|last| last.elapsed() > CALM) {
                        tracing::error!(%error, "cannot accept connections, trying on until it works");
                    }
                    trouble = Some(Instant::now());
                    tokio::select! {
                        () = &mut enough => return,
                        () = sleep(PAUSE) => {}
                    }
                }
            }
        }
    }

    fn empty_the_queue(&mut self, listener: &TcpListener) -> io::Result<()> {
        loop {
            match listener.accept() {
                Ok((stream, peer)) => {
                    stream.set_nonblocking(true)?;
                    self.connect(TcpStream::from_std(stream)?, peer);
                }
                Err(error) if concerns_one_connection(&error) => {}
                Err(_) => return Ok(()),
            }
        }
    }

    /// Waits for the connections; what is left at the deadline is cut.
    async fn finish(&mut self) {
        let drain = self.drain.clone();
        let mut cut = pin!(drain.cut());
        loop {
            tokio::select! {
                biased;
                ended = self.connections.join_next() => if ended.is_none() { break },
                () = &mut cut => break,
            }
        }
        drain.settle();
        self.connections.abort_all();
    }

    fn connect(&mut self, stream: TcpStream, peer: SocketAddr) {
        let Ok(local) = stream.local_addr() else { return };
        tune(&stream, self.patience);
        let counted = self.drain.connection();
        let (wire, line) = Wire::new(stream, self.patience.reading);
        let guest = Arc::new(Guest::new(line));
        let half_closed = Arc::new(Notify::new());
        let answering = {
            let (guest, drain, service) = (Arc::clone(&guest), self.drain.clone(), self.service.clone());
            let connection = Connection { peer, local, half_closed: Arc::clone(&half_closed) };
            service_fn(move |mut request: Request<Incoming>| {
                guest.speaks();
                request.extensions_mut().insert(connection.clone());
                answer(service.clone(), request, drain.clone())
            })
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.patience.head)
            // A client may close its half of the connection behind its request.
            .half_close(true)
            .max_header_size(HEAD)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(wire), answering);
        let drain = self.drain.clone();
        self.connections.spawn(async move {
            let mut connection = pin!(connection);
            let answered = async {
                tokio::select! {
                    biased;
                    ended = &mut connection => ended,
                    () = guest.may_leave(&drain) => {
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    }
                }
            };
            // hyper reads nothing while it waits for an answer, so it does not see that the client is gone.
            let gone = async {
                guest.line.half_closed().await;
                half_closed.notify_one();
                guest.line.broken().await;
            };
            let ended = tokio::select! {
                biased;
                ended = answered => ended,
                () = gone => return,
            };
            if let Err(error) = ended {
                tracing::debug!(%peer, %error, "a connection ended early");
            }
            drop(counted);
            guest.line.close().await;
        });
    }
}

async fn answer<S, B>(
    mut service: S,
    request: Request<Incoming>,
    drain: Drain,
) -> Result<Response<B>, S::Error>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
{
    poll_fn(|context| service.poll_ready(context)).await?;
    let mut response = service.call(request).await?;
    if drain.is_draining() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// Resolves when whoever was at the door has come in.
async fn doorstep(drain: &Drain) {
    tokio::select! {
        () = sleep(DOORSTEP) => {}
        () = drain.cut() => {}
    }
}

/// The client left before it was accepted; the next one is no worse for it.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
