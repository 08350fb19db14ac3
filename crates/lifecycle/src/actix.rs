//! The driver for actix-web, which keeps its own server: it is no service on hyper's types.

mod watched;

use std::cell::RefCell;
use std::fmt::Debug;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
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
use tokio::runtime::Handle;
use tokio::time::sleep;
use tracing::subscriber::{NoSubscriber, with_default};

use self::watched::{Answering, Watched};
use crate::connection::{Connection, Timeouts};
use crate::connection_stats::ListedConnection;
use crate::drain::{Connected, Drain};
use crate::endpoint::Endpoint;
use crate::runtime_stats::{RegisteredRuntime, register_runtime};
use crate::syn_filter;

/// Time for the acceptor to empty the queue, and for the workers to read what was sent.
const HANDOVER: Duration = Duration::from_millis(250);

/// Time after actix-web's own timers at which a silent connection is closed.
const SLACK: Duration = Duration::from_millis(500);

/// Size of the kernel's buffer for requests that a client sends ahead, in bytes. actix-http makes a request of some 5 KiB of
/// each head that it reads. It reads all that has arrived, up to 128 KiB.
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
    let watched = Watched::new(socket, drain, connection.as_ref());
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
        self.watched.forget();
        self.watching.abort();
    }
}
