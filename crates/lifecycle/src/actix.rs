//! The driver for actix-web, which keeps its own server: it is no service on hyper's types.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::Request;
use actix_service::IntoServiceFactory;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{
    AppConfig, Extensions, Response, Service, ServiceFactory, ServiceRequest, ServiceResponse,
};
use actix_web::error::InternalError;
use actix_web::http::ConnectionType;
use actix_web::middleware::Next;
use actix_web::rt::net::TcpStream;
use actix_web::rt::task::JoinHandle;
use actix_web::web::Bytes;
use actix_web::{Error, HttpResponse, HttpServer};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionread;
use rustix::net::{Shutdown, shutdown};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::subscriber::{NoSubscriber, with_default};

use crate::connection::{Connection, Timeouts};
use crate::connection_stats::{ListedConnection, OpenConnection};
use crate::drain::{Connected, Drain};
use crate::endpoint::Endpoint;
use crate::runtime_stats::{RegisteredRuntime, register_runtime};
use crate::syn_filter;

/// Time for the acceptor to empty the queue, and for the workers to read what was sent.
const HANDOVER: Duration = Duration::from_millis(250);

/// Time after actix-web's own timers at which a silent connection is closed.
const SLACK: Duration = Duration::from_millis(500);

/// The pauses between two looks at a socket that takes no more: the first one, and the longest one.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(20));

/// Time in all for which a client may send further requests while it takes no answers.
const AHEAD: Duration = Duration::from_millis(500);

/// Bytes that the kernel keeps of what a client sends ahead. actix-http makes a request of some 5 KiB of each head that it
/// reads, and reads all that has arrived, up to 128 KiB.
const RECEIVED: usize = 4 * 1024;

/// Serves `app` at `endpoint` until its drain is over. The app must be wrapped in [`paced`], outermost.
///
/// actix-web's own `stop(true)` drops every connection that waits for a worker, and closes those whose request it has not
/// read yet. So the listener is emptied and the linger waited for first.
pub async fn serve<F, I, S, B>(endpoint: Endpoint, app: F) -> io::Result<()>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let (listener, drain) = endpoint.into_parts();
    let entrance = listener.try_clone()?;
    // Accepted sockets inherit it. Set on them it would come too late for what is sent with the handshake's end.
    let _ = socket2::SockRef::from(&listener).set_recv_buffer_size(RECEIVED);
    let timeouts = Timeouts::default();
    let connecting = drain.clone();
    let app = move || {
        list_worker();
        app()
    };
    let mut server = HttpServer::new(app)
        .on_connect(move |socket, data| {
            if let Some(socket) = socket.downcast_ref() {
                connected(socket, data, &connecting, timeouts);
            }
        })
        .client_request_timeout(timeouts.head)
        .keep_alive(timeouts.head)
        .disable_signals()
        .shutdown_timeout(drain.timeouts().deadline.as_secs() + 1)
        .listen(listener)?
        .run();
    // The first poll starts everything and logs the address, which the program has logged already.
    let first = std::future::poll_fn(|context| {
        Poll::Ready(with_default(NoSubscriber::new(), || Pin::new(&mut server).poll(context)))
    });
    if let Poll::Ready(ended) = first.await {
        return ended;
    }
    let handle = server.handle();
    tokio::spawn(async move {
        drain.last_call().await;
        if !drain.is_shared() && syn_filter::attach(&entrance).is_ok() {
            sleep(HANDOVER).await;
            if drain.is_shared() {
                let _ = syn_filter::detach(&entrance);
            }
        }
        handle.pause().await;
        drop(entrance);
        if drain.is_shared() {
            sleep(HANDOVER).await;
            drain.lingered().await;
        }
        // Workers read what was sent before the end of the linger, even if they were busy until now.
        sleep(HANDOVER).await;
        handle.stop(true).await;
    });
    server.await
}

/// Paces the requests of one connection, as middleware: a request waits until the socket takes more bytes.
///
/// Without it a client that sends requests and reads no answers has them all read. During a drain the answer tells its
/// connection to close.
pub async fn paced(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<Answered>, Error> {
    let watched = request.conn_data::<Watch>().map(|watch| Rc::clone(&watch.watched));
    let answering = match watched {
        Some(watched) => {
            watched.writable().await;
            Some(Answering::of(watched))
        }
        None => None,
    };
    // An error is no `ServiceResponse`: that wants the request back.
    let mut answer =
        next.call(request).await.map(ServiceResponse::map_into_boxed_body).map_err(HttpResponse::from_error);
    if answering.as_ref().is_some_and(|answering| answering.watched.drain.is_draining()) {
        let response = answer.as_mut().map_or_else(|response| response, ServiceResponse::response_mut);
        // A `Connection` header would be ignored.
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    let answer = answer.map_err(|response| InternalError::from_response("an error response", response))?;
    Ok(answer.map_body(|_, body| Answered { body, answering }))
}

/// The body of an answer that is under way.
pub struct Answered {
    body: BoxBody,
    answering: Option<Answering>,
}

impl MessageBody for Answered {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        // The dispatcher polls a stream whenever something happens on its connection.
        if self.body.size() == BodySize::Stream
            && let Some(answering) = &self.answering
        {
            answering.watched.tell_half_closed();
        }
        Pin::new(&mut self.body).poll_next(context)
    }
}

/// Lists the runtime of this worker until its thread ends. actix-web makes the app on the worker's thread.
fn list_worker() {
    thread_local! {
        static WORKER: RefCell<Option<RegisteredRuntime>> = const { RefCell::new(None) };
    }
    let name = || std::thread::current().name().unwrap_or("actix-server worker").to_owned();
    if let Ok(runtime) = Handle::try_current() {
        WORKER.with_borrow_mut(|worker| {
            worker.get_or_insert_with(|| register_runtime(name(), &runtime));
        });
    }
}

fn connected(socket: &TcpStream, data: &mut Extensions, drain: &Drain, timeouts: Timeouts) {
    let counted = drain.connection();
    let (connection, listed) = Connection::accepted(socket, timeouts).ok().unzip();
    let watched = Rc::new(Watched {
        drain: drain.clone(),
        descriptor: Cell::new(Some(socket.as_raw_fd())),
        cookie: cookie(socket.as_fd()),
        half_closed: RefCell::new(connection.as_ref().map(|connection| Arc::clone(&connection.half_closed))),
        figures: connection.as_ref().map(|connection| Arc::clone(&connection.figures)),
        answering: Cell::new(0),
        since: Cell::new(Instant::now()),
        ahead: Cell::new(Duration::ZERO),
    });
    let watching = actix_web::rt::spawn(Rc::clone(&watched).close_when_silent(timeouts.head + SLACK));
    if let Some(connection) = connection {
        data.insert(connection);
    }
    data.insert(Watch { watched, watching, _counted: counted, _listed: listed });
}

/// Ends with the connection whose data it is.
struct Watch {
    watched: Rc<Watched>,
    watching: JoinHandle<()>,
    _counted: Connected,
    _listed: Option<ListedConnection>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watched.descriptor.set(None);
        self.watching.abort();
    }
}

/// One connection of actix-web, watched from outside. Everything happens on the thread of its worker.
struct Watched {
    drain: Drain,
    descriptor: Cell<Option<RawFd>>,
    /// The kernel's number of the socket, which no other socket ever has.
    cookie: Option<u64>,
    /// To be notified once.
    half_closed: RefCell<Option<Arc<Notify>>>,
    figures: Option<Arc<OpenConnection>>,
    /// The requests that are being answered.
    answering: Cell<u32>,
    /// When the last answer ended.
    since: Cell<Instant>,
    /// Time for which requests were sent ahead while no answer was taken.
    ahead: Cell<Duration>,
}

impl Watched {
    /// Closes the connection when nothing is answered for as long as `limit`. actix-http has no timer for the head of a second
    /// request, and none for a body that no handler reads.
    async fn close_when_silent(self: Rc<Self>, limit: Duration) {
        loop {
            sleep_until(self.since.get() + limit).await;
            if self.answering.get() > 0 {
                self.since.set(Instant::now());
            } else if self.since.get().elapsed() >= limit {
                if self.ask(is_writable) != Some(false) {
                    return self.close();
                }
                // The rest of an answer waits. The kernel gives up a client that takes nothing.
                self.since.set(Instant::now());
            }
        }
    }

    /// Resolves when the socket takes more bytes.
    async fn writable(&self) {
        let (mut pause, longest) = PAUSES;
        let mut looked = Instant::now();
        while self.ask(is_writable) == Some(false) {
            if self.ask(has_unread) == Some(true) {
                // actix-http has read 128 KiB of requests; it looks for room without a pause until there is some.
                self.ahead.set(self.ahead.get() + looked.elapsed());
                if self.ahead.get() > AHEAD {
                    tracing::debug!("a client that sends requests ahead and takes no answers is cut");
                    self.close();
                }
            }
            looked = Instant::now();
            sleep(pause).await;
            pause = (2 * pause).min(longest);
        }
    }

    fn tell_half_closed(&self) {
        if self.half_closed.borrow().is_some()
            && self.ask(is_half_closed) == Some(true)
            && let Some(half_closed) = self.half_closed.take()
        {
            half_closed.notify_one();
        }
    }

    /// Bytes that the kernel has taken already are still sent.
    fn close(&self) {
        let _ = self.ask(|socket| shutdown(socket, Shutdown::Both));
    }

    /// Asks the socket, if it is still there.
    #[allow(
        unsafe_code,
        reason = "actix-http keeps the stream to itself; a duplicate would double the descriptors"
    )]
    fn ask<T>(&self, ask: impl FnOnce(BorrowedFd<'_>) -> T) -> Option<T> {
        let descriptor = self.descriptor.get()?;
        // SAFETY: The dispatcher drops this connection's data, and with it `Watch`, on this thread before the stream. A
        // request that a handler keeps beyond its connection would keep the data too; then the cookie is not the socket's.
        let socket = unsafe { BorrowedFd::borrow_raw(descriptor) };
        (cookie(socket) == self.cookie).then(|| ask(socket))
    }
}

/// A request that is being answered, up to the last byte of the answer's body.
struct Answering {
    watched: Rc<Watched>,
}

impl Answering {
    fn of(watched: Rc<Watched>) -> Answering {
        watched.answering.set(watched.answering.get() + 1);
        if let Some(figures) = &watched.figures {
            figures.request_began();
        }
        Answering { watched }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.watched.answering.set(self.watched.answering.get() - 1);
        self.watched.since.set(Instant::now());
    }
}

#[cfg(target_os = "linux")]
fn cookie(socket: BorrowedFd<'_>) -> Option<u64> {
    rustix::net::sockopt::socket_cookie(socket).ok()
}

/// Only Linux numbers its sockets.
#[cfg(not(target_os = "linux"))]
fn cookie(_socket: BorrowedFd<'_>) -> Option<u64> {
    None
}

fn is_writable(socket: BorrowedFd<'_>) -> bool {
    is_ready(socket, PollFlags::OUT)
}

/// Only Linux says so before everything is read.
fn is_half_closed(socket: BorrowedFd<'_>) -> bool {
    #[cfg(target_os = "linux")]
    return is_ready(socket, PollFlags::RDHUP);
    #[cfg(not(target_os = "linux"))]
    return is_ready(socket, PollFlags::HUP);
}

fn is_ready(socket: BorrowedFd<'_>, wanted: PollFlags) -> bool {
    let mut asked = [PollFd::from_borrowed_fd(socket, wanted)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut asked, Some(&now)).is_ok_and(|ready| ready > 0)
}

fn has_unread(socket: BorrowedFd<'_>) -> bool {
    ioctl_fionread(socket).is_ok_and(|unread| unread > 0)
}
