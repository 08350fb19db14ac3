//! Answers requests while no server takes them and none comes by itself: the build has failed, or the program has ended.

mod page;

use std::convert::Infallible;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::net::AddressFamily;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime;
use tokio::sync::{mpsc as tasks, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::accept::{accept, accept_unix};
pub(crate) use crate::outage::page::Page;

/// Upper bound on the wait for the head of a request.
const HEAD: Duration = Duration::from_secs(5);

/// Upper bound on the time that open connections get for their request once a server comes.
const LAST_REQUESTS: Duration = Duration::from_millis(500);

/// So much of a request's body is read. A connection that is closed with unread bytes is reset, and the client may lose the answer.
const MOST_BODY: usize = 1024 * 1024;

/// Answers every request with a page, until it is ended.
#[derive(Debug)]
pub(crate) struct Outage {
    over: oneshot::Sender<()>,
    closed: Receiver<()>,
    thread: JoinHandle<()>,
}

impl Outage {
    /// Answers on these listening sockets.
    pub(crate) fn start(listeners: Vec<OwnedFd>, page: Page) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let listeners = {
            let _inside = runtime.enter();
            listeners.into_iter().map(Socket::of).collect::<io::Result<Vec<_>>>()?
        };
        let (over, ended) = oneshot::channel();
        let (closing, closed) = mpsc::channel();
        let run = move || {
            runtime.block_on(async move {
                let (open, mut all_answered) = tasks::channel::<()>(1);
                let mut accepting = JoinSet::new();
                let page = Arc::new(page);
                for listener in listeners {
                    accepting.spawn(serve(listener, Arc::clone(&page), open.clone()));
                }
                drop(open);
                let _ = ended.await;
                accepting.shutdown().await;
                drop(closing);
                let _ = timeout(LAST_REQUESTS, all_answered.recv()).await;
            });
        };
        let thread = thread::Builder::new().name("outage".to_owned()).spawn(run)?;
        Ok(Self { over, closed, thread })
    }

    /// When this returns, it accepts no connection any more. Those that it has are still answered, on the thread that is returned.
    pub(crate) fn end(self) -> JoinHandle<()> {
        let Self { over, closed, thread } = self;
        let _ = over.send(());
        // Ends with an error: the other side is dropped.
        let _ = closed.recv();
        thread
    }
}

/// A listening socket.
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Socket {
    fn of(socket: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        if rustix::net::getsockname(&socket)?.address_family() == AddressFamily::UNIX {
            UnixListener::from_std(socket.into()).map(Socket::Unix)
        } else {
            TcpListener::from_std(socket.into()).map(Socket::Tcp)
        }
    }
}

/// Answers every connection. `open` is held as long as one is open.
async fn serve(listener: Socket, page: Arc<Page>, open: tasks::Sender<()>) {
    loop {
        let (page, open) = (Arc::clone(&page), open.clone());
        match &listener {
            Socket::Tcp(listener) => drop(tokio::spawn(answer_on(accept(listener).await, page, open))),
            Socket::Unix(listener) => drop(tokio::spawn(answer_on(accept_unix(listener).await, page, open))),
        }
    }
}

async fn answer_on(stream: impl AsyncRead + AsyncWrite + Unpin, page: Arc<Page>, open: tasks::Sender<()>) {
    let service = service_fn(|request| answer(request, &page));
    let mut builder = Builder::new();
    builder.keep_alive(false).timer(TokioTimer::new()).header_read_timeout(HEAD);
    // An error is a client that broke off.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
    drop(open);
}

async fn answer(request: Request<Incoming>, page: &Page) -> Result<Response<Full<Bytes>>, Infallible> {
    let response = page.response(request.headers());
    let _ = Limited::new(request.into_body(), MOST_BODY).collect().await;
    Ok(response)
}
