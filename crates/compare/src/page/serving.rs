//! The server of the page. It serves this machine only.

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use conformance::Failed;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{self, HeaderName},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tempfile::TempDir;
use tokio::{
    runtime::Builder,
    signal::unix::{Signal, SignalKind, signal},
};

use super::{
    demo_runner::DemoRunner,
    document::{self, SCRIPT, STYLE, Sites},
    edit::Edit,
    figures::Figures,
    gate::{Caller, refusal},
    go,
    live::{self, Site},
    outcome::Made,
    subject::Subject,
};
use crate::progress::progress;
pub(crate) struct PageServer {
    state: Mutex<State>,
    results: PathBuf,
    /// A description of the build of the demos.
    built: String,
    port: u16,
    /// The counterparts, if they were built, with their folder.
    counterparts: Mutex<Option<(Vec<PathBuf>, TempDir)>>,
    is_ending: AtomicBool,
}

/// The servers and the edits so far.
struct State {
    demos: DemoRunner,
    made: Vec<Made>,
}

type Answer = Response<Full<Bytes>>;

/// The number of edits that are kept.
const REMEMBERED: usize = 8;

/// The timeout for the head of a request.
const TIMEOUT: Duration = Duration::from_secs(10);

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; \
                      img-src 'self' data:; frame-src http://127.0.0.1:*; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// A listener for the page.
pub(crate) fn listen(port: u16) -> Result<TcpListener, Failed> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let way_on = port.checked_add(10).map_or_else(String::new, |other| format!("; try `--port {other}`"));
    Ok(TcpListener::bind(address).map_err(|e| format!("`{address}` cannot be bound: {e}{way_on}"))?)
}

/// Starts the demos, then serves the page until a signal ends it. A signal during the start of the demos counts, too, so that
/// none of them is left.
pub(crate) fn serve(
    listener: TcpListener,
    results: PathBuf,
    built: String,
    open: impl FnOnce() -> Result<DemoRunner, Failed>,
) -> Result<(), Failed> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let signals = {
        let _inside = runtime.enter();
        Signals::catch()?
    };
    let port = listener.local_addr()?.port();
    let state = Mutex::new(State { demos: open()?, made: Vec::new() });
    let (counterparts, is_ending) = (Mutex::new(None), AtomicBool::new(false));
    let page_server = Arc::new(PageServer { state, results, built, port, counterparts, is_ending });
    let served = runtime.block_on(accept(listener, Arc::clone(&page_server), signals));
    page_server.is_ending.store(true, Ordering::Relaxed);
    // This waits for the current edit, which uses the demos.
    drop(runtime);
    served
}

/// The signals that end the program.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn catch() -> io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

async fn accept(
    listener: TcpListener,
    page_server: Arc<PageServer>,
    mut signals: Signals,
) -> Result<(), Failed> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = signals.next() => return Ok(()),
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                progress(&format!("a connection cannot be accepted: {error}"));
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let page_server = Arc::clone(&page_server);
        let service = service_fn(move |request| answer(Arc::clone(&page_server), request));
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(TIMEOUT);
        tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(page_server: Arc<PageServer>, request: Request<Incoming>) -> Result<Answer, Infallible> {
    let edits = !matches!(*request.method(), Method::GET | Method::HEAD);
    let caller = Caller {
        host: only(request.headers(), &header::HOST),
        origin: only(request.headers(), &header::ORIGIN),
        edits,
    };
    if let Some(reason) = refusal(caller, page_server.port) {
        return Ok(plain(StatusCode::FORBIDDEN, reason));
    }
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    // A request may have to wait for an edit.
    let made = tokio::task::spawn_blocking(move || page_server.answer(&method, &path)).await;
    Ok(made.unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR, "internal error: see stderr")))
}

/// The value of a header that occurs once. A repeated header yields an empty value, which is refused.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    Some(value.to_str().ok().filter(|_| values.next().is_none()).unwrap_or_default())
}

impl PageServer {
    fn answer(&self, method: &Method, path: &str) -> Answer {
        let edit = path.strip_prefix("/edits/").and_then(Edit::of);
        let allowed = match (path, edit) {
            ("/" | "/page.css" | "/page.js", _) => "GET, HEAD",
            ("/counterparts/on" | "/counterparts/off", _) | (_, Some(_)) => "POST",
            _ => return plain(StatusCode::NOT_FOUND, "there is no such page"),
        };
        if !allowed.split(", ").any(|allowed| allowed == method.as_str()) {
            let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "not by this method");
            refused.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static(allowed));
            return refused;
        }
        match (path, edit) {
            (_, Some(edit)) => response(StatusCode::OK, "text/html; charset=utf-8", self.make(edit)),
            ("/counterparts/on", _) => answered(
                self.start_counterparts().map(|()| "they run\n".to_owned()),
                "text/plain; charset=utf-8",
            ),
            ("/counterparts/off", _) => {
                self.state().demos.end_counterparts();
                plain(StatusCode::OK, "they have ended")
            }
            ("/page.css", _) => response(StatusCode::OK, "text/css; charset=utf-8", STYLE.to_owned()),
            ("/page.js", _) => response(StatusCode::OK, "text/javascript; charset=utf-8", SCRIPT.to_owned()),
            _ => answered(self.page(), "text/html; charset=utf-8"),
        }
    }

    /// The current page. The figures are read again each time.
    fn page(&self) -> Result<String, Failed> {
        let figures = Figures::read(&self.results)?;
        let state = self.state();
        let sites = Sites::Running {
            demos: running(state.demos.demos()),
            counterparts: running(state.demos.counterparts()),
            missing: go::missing(),
            built: self.built.clone(),
        };
        Ok(document::document(&sites, &state.made, &figures).into_string())
    }

    fn make(&self, edit: Edit) -> String {
        let mut state = self.state();
        let made = state.demos.make(edit);
        let shown = live::one(&made, made.outcomes.len()).into_string();
        state.made.push(made);
        let forgotten = state.made.len().saturating_sub(REMEMBERED);
        state.made.drain(..forgotten);
        shown
    }

    /// Builds the counterparts if that was not done, and starts them. Edits and pages go on during the build.
    fn start_counterparts(&self) -> Result<(), Failed> {
        let mut built = self.counterparts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(missing) = go::missing() {
            return Err(missing.into());
        }
        if built.is_none() {
            let folder = tempfile::tempdir()?;
            *built = Some((go::build(folder.path(), &self.is_ending)?, folder));
        }
        let programs = built.as_ref().map_or(&[][..], |(programs, _)| programs);
        self.state().demos.start_counterparts(programs)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sites of running servers.
fn running(subjects: &[Subject]) -> Vec<Site> {
    let site = |subject: &Subject| Site {
        address: format!("http://{}/", subject.address()),
        folder: Some(subject.folder().display().to_string()),
    };
    subjects.iter().map(site).collect()
}

/// The body, or the reason why there is none.
fn answered(body: Result<String, Failed>, kind: &'static str) -> Answer {
    match body {
        Ok(body) => response(StatusCode::OK, kind, body),
        Err(failed) => plain(StatusCode::INTERNAL_SERVER_ERROR, failed.message().unwrap_or_default()),
    }
}

fn plain(status: StatusCode, words: &str) -> Answer {
    response(status, "text/plain; charset=utf-8", format!("{words}\n"))
}

fn response(status: StatusCode, kind: &'static str, body: String) -> Answer {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    response
}
