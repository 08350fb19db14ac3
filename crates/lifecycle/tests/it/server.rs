//! A server for the tests, on a port of its own.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use lifecycle::{
    Connection, Drain, DrainTimeouts, Endpoint, Outcome, ServerThread, Socket, Stage, Timeouts,
    serve_with_timeouts, spawn,
};
use tokio::sync::watch;
use tower_service::Service;

/// Longer than any test runs.
pub(crate) const LONG: Duration = Duration::from_mins(1);

/// A thread that serves a [`TestService`].
pub(crate) struct Server {
    pub(crate) thread: ServerThread,
    pub(crate) service: TestService,
}

/// The set-up of a server.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) drain_timeouts: DrainTimeouts,
    pub(crate) shared: bool,
    pub(crate) timeouts: Timeouts,
}

impl Setup {
    /// A listener of its own.
    pub(crate) fn own(linger: Duration, deadline: Duration) -> Setup {
        Setup {
            drain_timeouts: DrainTimeouts { linger, deadline },
            shared: false,
            timeouts: Timeouts::default(),
        }
    }

    /// A listener that another process holds too.
    pub(crate) fn shared(linger: Duration, deadline: Duration) -> Setup {
        Setup { shared: true, ..Setup::own(linger, deadline) }
    }

    pub(crate) fn timeouts(self, head: Duration, write: Duration) -> Setup {
        Setup { timeouts: Timeouts { head, write }, ..self }
    }

    pub(crate) fn start(self) -> Server {
        self.start_on(Socket::bind_host("127.0.0.1", 0).unwrap(), "service")
    }

    pub(crate) fn start_on(self, socket: Socket, name: &'static str) -> Server {
        let service = TestService::new(name);
        let served = service.clone();
        let endpoint = Endpoint::new(socket, Drain::new(self.drain_timeouts, self.shared));
        let thread =
            spawn(endpoint, move |endpoint| serve_with_timeouts(endpoint, served, self.timeouts)).unwrap();
        Server { thread, service }
    }
}

impl Server {
    pub(crate) fn address(&self) -> SocketAddr {
        self.thread.address()
    }

    pub(crate) fn drain(&self) -> &Drain {
        self.thread.drain()
    }

    /// The outcome of the drain, and how long it took.
    pub(crate) fn drained(&mut self) -> (Outcome, Duration) {
        let since = Instant::now();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let outcome = runtime.block_on(self.thread.drained()).unwrap();
        (outcome, since.elapsed())
    }

    pub(crate) fn reaches(&self, stage: Stage) {
        wait_for(|| self.drain().stage() >= stage);
    }
}

/// Polls until `condition` holds.
pub(crate) fn wait_for(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "waited for in vain");
        thread::sleep(Duration::from_millis(2));
    }
}

/// A service that answers by path. `/gate` waits for the gate, and `/block` blocks its thread until then. `/forever` never stops
/// sending, `/quiet` never sends a byte, `/panic` panics, `/ends` answers with the addresses of its connection. Any other path
/// is answered with the service's name.
#[derive(Clone)]
pub(crate) struct TestService {
    name: &'static str,
    pub(crate) gate: Arc<watch::Sender<bool>>,
    dropped: Arc<AtomicBool>,
}

impl TestService {
    pub(crate) fn new(name: &'static str) -> TestService {
        TestService { name, gate: Arc::new(watch::Sender::new(false)), dropped: Arc::default() }
    }

    pub(crate) fn open_the_gate(&self) {
        self.gate.send_replace(true);
    }

    /// True if an endless body was dropped.
    pub(crate) fn gave_up(&self) -> bool {
        self.dropped.load(Ordering::SeqCst)
    }

    async fn answer(self, request: Request<Incoming>) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
        let body = match request.uri().path() {
            "/gate" => {
                let _ = self.gate.subscribe().wait_for(|open| *open).await;
                whole("through the gate")
            }
            "/block" => {
                while !*self.gate.borrow() {
                    thread::sleep(Duration::from_millis(5));
                }
                whole("unblocked")
            }
            "/forever" => {
                Endless { bytes: Bytes::from(vec![b'x'; 4096]), dropped: self.dropped }.boxed_unsync()
            }
            "/quiet" => Endless { bytes: Bytes::new(), dropped: self.dropped }.boxed_unsync(),
            "/panic" => panic!("as asked"),
            "/ends" => {
                let ends = request.extensions().get::<Connection>().unwrap();
                whole(format!("{} {}", ends.peer, ends.local))
            }
            _ => whole(self.name),
        };
        Response::new(body)
    }
}

impl Service<Request<Incoming>> for TestService {
    type Response = Response<UnsyncBoxBody<Bytes, Infallible>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.answer(request).await) })
    }
}

/// A body without an end. Without bytes it sends nothing.
struct Endless {
    bytes: Bytes,
    dropped: Arc<AtomicBool>,
}

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.bytes.is_empty() {
            return Poll::Pending;
        }
        Poll::Ready(Some(Ok(Frame::data(self.bytes.clone()))))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::SeqCst);
    }
}

fn whole(text: impl Into<Bytes>) -> UnsyncBoxBody<Bytes, Infallible> {
    Full::new(text.into()).boxed_unsync()
}
