//! A server from its first listener to its last connection.

use std::fmt::{self, Debug, Formatter};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::mpsc;

use crate::binary::Rules;
use crate::control_socket::ControlSocket;
use crate::endpoint::Endpoint;
use crate::fault;
use crate::handle::{Handle, Request};
use crate::hooks::Hooks;
use crate::inherited::Inherited;
use crate::listeners::Listeners;
use crate::main_loop::{MainLoop, Parts};
use crate::notify;
use crate::pid_file::{PidFile, PidFileError};
use crate::predecessor::{Predecessor, PredecessorWatch};
use crate::prepared_listener::PreparedListener;
use crate::server_thread::ServerThread;
use crate::signals::Signals;
use crate::socket::{BindError, Socket};
use crate::stage::{DrainTimeouts, Outcome};

/// A server that can be replaced, moved, upgraded and stopped without losing a request.
///
/// It takes its listener from a supervisor or a predecessor, or binds one. It drains at `SIGTERM` and `SIGINT`, ends at
/// the second one, reloads at `SIGHUP`, upgrades at `SIGUSR2` and when [`request_upgrade`](crate::request_upgrade) asks.
///
/// ```no_run
/// # async fn serve(_: lifecycle::Endpoint) -> std::io::Result<()> { Ok(()) }
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use lifecycle::{Inherited, Server};
///
/// let server = Server::new(Inherited::take()?, "127.0.0.1", 3000)?.pid_file("server.pid");
/// let handle = server.handle();
/// // `serve` is a framework's server, until the drain of its endpoint is over.
/// let outcome = server.serve(|endpoint| serve(endpoint)).await?;
/// # Ok(())
/// # }
/// ```
pub struct Server {
    socket: Socket,
    predecessor: Option<Predecessor>,
    pid_file: Option<PathBuf>,
    hooks: Hooks,
    handle: Handle,
    opened: mpsc::UnboundedReceiver<ServerThread>,
    requests: mpsc::UnboundedReceiver<Request>,
}

/// A server whose start cannot fail any more. It accepts nothing yet.
pub struct ReadyServer {
    prepared: PreparedListener,
    predecessor: Option<PredecessorWatch>,
    pid_file: Option<PidFile>,
    signals: Signals,
    control: Option<ControlSocket>,
    hooks: Hooks,
    handle: Handle,
    opened: mpsc::UnboundedReceiver<ServerThread>,
    requests: mpsc::UnboundedReceiver<Request>,
}

/// Why a server did not serve, or ended by itself.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The process file cannot be written.
    #[error(transparent)]
    PidFile(#[from] PidFileError),
    /// The system refused, or the framework's server ended by itself.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Server {
    /// The default length of a successor's probation.
    pub const PROBATION: Duration = Duration::from_secs(10);

    /// A server on the listener that the process inherited, or else on `host` and `port` as in [`Socket::bind_host`].
    ///
    /// The listener of a predecessor is served even if it is at another address. Then the server moves to `host` and
    /// `port` as soon as it serves, and no client of the old address is lost.
    pub fn new(inherited: Inherited, host: &str, port: u16) -> Result<Server, BindError> {
        let Inherited { socket, predecessor } = inherited;
        let socket = socket.map_or_else(|| Socket::bind_host(host, port), Ok)?;
        let ((threads, opened), (ask, requests)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        let listeners = Listeners::new(socket.is_shared(), threads);
        if !socket.is_shared() && !socket.is_at(host, port) {
            listeners.want((host.to_owned(), port));
        }
        let handle = Handle { listeners: Arc::new(listeners), requests: ask };
        Ok(Server {
            socket,
            predecessor,
            pid_file: None,
            hooks: Hooks::new(Server::PROBATION),
            handle,
            opened,
            requests,
        })
    }

    /// The times of a drain.
    #[must_use]
    pub fn drain_timeouts(self, timeouts: DrainTimeouts) -> Server {
        self.handle.listeners.set_timeouts(timeouts);
        self
    }

    /// The file that holds the id of the process that serves: see [`PidFile`].
    #[must_use]
    pub fn pid_file(mut self, path: impl Into<PathBuf>) -> Server {
        self.pid_file = Some(path.into());
        self
    }

    /// Time for which this process watches its successor. It serves again if that fails.
    #[must_use]
    pub fn probation(mut self, probation: Duration) -> Server {
        self.hooks.probation = probation;
        self
    }

    /// Returns the programs that an upgrade may start. Asked when one begins. Without it, any program.
    #[must_use]
    pub fn upgrade_rules(mut self, rules: impl Fn() -> Rules + Send + 'static) -> Server {
        self.hooks.rules = Box::new(rules);
        self
    }

    /// The reload that a `SIGHUP` starts. The supervisor is told when it begins and ends. One that arrives meanwhile is a reload
    /// after that.
    #[must_use]
    pub fn on_reload<F>(mut self, reload: impl Fn() -> F + Send + 'static) -> Server
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.hooks.reload = Box::new(move || Box::pin(reload()));
        self
    }

    /// A handle that moves, upgrades or drains this server.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Serves until a drain is over: [`Server::ready`], then [`ReadyServer::run`].
    pub async fn serve<F>(
        self,
        serve: impl Fn(Endpoint) -> F + Send + Sync + 'static,
    ) -> Result<Outcome, ServeError>
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        self.ready(serve).await?.run().await
    }

    /// Does everything that can fail: makes threads, waits for the predecessor's permission, installs the signal
    /// handlers, writes the process file.
    ///
    /// `serve` is called for every listener, right before it accepts. The future runs on threads of the listener's own,
    /// and ends when the drain of its endpoint is over.
    pub async fn ready<F>(
        self,
        serve: impl Fn(Endpoint) -> F + Send + Sync + 'static,
    ) -> Result<ReadyServer, ServeError>
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let Server { socket, predecessor, pid_file, hooks, handle, opened, requests } = self;
        handle.listeners.serve_with(Box::new(move |endpoint| Box::pin(serve(endpoint))));
        let before = match (&predecessor, &pid_file) {
            (Some(predecessor), _) => predecessor.pid(),
            // A supervisor replaces a process that still serves on its listener.
            (None, Some(path)) if socket.is_shared() => {
                PidFile::read(path).ok().filter(|pid| socket.is_held_by(*pid))
            }
            _ => None,
        };
        let prepared = handle.listeners.prepare(socket)?;
        let mut predecessor = predecessor.map(Predecessor::watch).transpose()?;
        if let Some(predecessor) = &mut predecessor {
            predecessor.ready().await;
        }
        // A reader of the process file may send a signal or a request at once.
        let signals = Signals::new()?;
        let control = ControlSocket::listen()
            .inspect_err(|error| tracing::warn!("`--upgrade` will not reach this process: {error}"))
            .ok();
        let pid_file = pid_file.map(|path| PidFile::create(path, before));
        let pid_file = pid_file.transpose()?;
        fault::strike("new.entering");
        Ok(ReadyServer { prepared, predecessor, pid_file, signals, control, hooks, handle, opened, requests })
    }
}

impl ReadyServer {
    /// The address that it is going to serve.
    pub fn address(&self) -> SocketAddr {
        self.prepared.address()
    }

    /// Tells the supervisor `READY=1`, then serves until a drain is over.
    pub async fn run(self) -> Result<Outcome, ServeError> {
        let ReadyServer {
            prepared,
            predecessor,
            pid_file,
            signals,
            control,
            hooks,
            handle,
            opened,
            requests,
        } = self;
        notify::ready();
        handle.listeners.open(prepared);
        fault::strike("new.serving");
        let parts = Parts {
            listeners: handle.listeners,
            opened,
            requests,
            signals,
            control,
            predecessor,
            pid_file,
            hooks,
        };
        // Requests end with the last handle, which is not this one.
        drop(handle.requests);
        Ok(MainLoop::new(parts).run().await?)
    }
}

impl Debug for Server {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Server").field("socket", &self.socket).finish_non_exhaustive()
    }
}
