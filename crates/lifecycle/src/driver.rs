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
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tower_service::Service;

use crate::connection::{ActiveConnection, Connection, Timeouts, tune};
use crate::connection_io::ConnectionIo;
use crate::connection_stats::ListedConnection;
use crate::drain::Drain;
use crate::endpoint::Endpoint;
use crate::syn_filter;

/// Bytes that hyper may hold of one connection in each direction.
const BUFFER: usize = 64 * 1024;

/// Bytes that a request's head may have. A longer one is answered with 431.
const HEAD: usize = 32 * 1024;

/// Pause of accepting after an error that will last, such as running out of descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// Time that a handshake may still take when the filter is attached.
const HANDSHAKE: Duration = Duration::from_millis(100);

/// Time without such errors after which the next one is logged again.
const QUIET: Duration = Duration::from_secs(5);

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
    serve_with_timeouts(endpoint, service, Timeouts::default()).await
}

/// The same as [`serve`], with other timeouts.
pub async fn serve_with_timeouts<S, B>(endpoint: Endpoint, service: S, timeouts: Timeouts) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (listener, drain) = endpoint.into_parts();
    let mut driver = Driver { drain, service, timeouts, connections: JoinSet::new() };
    driver.run(listener).await
}

struct Driver<S> {
    drain: Drain,
    service: S,
    timeouts: Timeouts,
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
            self.close_listener(listener).await?;
        }
        self.finish().await;
        Ok(())
    }

    /// Closes a listener on which no other process accepts. The close resets connections in its queue and on their way there, so
    /// these are accepted first.
    async fn close_listener(&mut self, listener: tokio::net::TcpListener) -> io::Result<()> {
        let drain = self.drain.clone();
        if syn_filter::attach(&listener).is_ok() {
            self.accept_until(&listener, handshakes(&drain)).await;
            if drain.is_shared() {
                return syn_filter::detach(&listener);
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
                    if trouble.is_none_or(|last| last.elapsed() > QUIET) {
                        tracing::error!(%error, "cannot accept connections, trying again until it works");
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

    /// Waits until the connections have ended. At the deadline it cuts the rest.
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
        tune(&stream, self.timeouts);
        let counted = self.drain.connection();
        let listed = ListedConnection::new(&stream, peer, local);
        let connection = Connection::of(&listed);
        let half_closed = Arc::clone(&connection.half_closed);
        let (io, socket) = ConnectionIo::new(stream, listed, self.timeouts.write);
        let active = Arc::new(ActiveConnection::new(socket));
        let answering = {
            let (active, drain, service) = (Arc::clone(&active), self.drain.clone(), self.service.clone());
            service_fn(move |mut request: Request<Incoming>| {
                active.request_began();
                request.extensions_mut().insert(connection.clone());
                // hyper keeps the space of a future for as long as the connection is open: 8 KB with warp, 10 KB with poem.
                Box::pin(answer(service.clone(), request, drain.clone()))
            })
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.timeouts.head)
            // A client may close its half of the connection after its request.
            .half_close(true)
            .max_header_size(HEAD)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(io), answering);
        let drain = self.drain.clone();
        self.connections.spawn(async move {
            let mut connection = pin!(connection);
            let answered = async {
                tokio::select! {
                    biased;
                    ended = &mut connection => ended,
                    () = active.may_close(&drain) => {
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    }
                }
            };
            // hyper reads nothing while it waits for an answer, so it does not see that the client is gone.
            let gone = async {
                active.socket.half_closed().await;
                half_closed.notify_one();
                active.socket.reset().await;
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
            active.socket.close().await;
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

/// Resolves when the handshakes that were under way have finished.
async fn handshakes(drain: &Drain) {
    tokio::select! {
        () = sleep(HANDSHAKE) => {}
        () = drain.cut() => {}
    }
}

/// True if the error is about one client, which left before it was accepted.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
