//! The life of a server process: its listener, its readiness, its drain, its upgrade.
//!
//! # A server that loses no request
//!
//! [`Server`] takes its listener from a supervisor or a predecessor, or binds one, and serves until a signal ends it. Its
//! [`Handle`] moves, upgrades and drains it. `examples/axum_server.rs` is a whole one in 30 lines.
//!
//! | step | what does it |
//! | --- | --- |
//! | take inherited sockets, before any thread starts | [`Inherited::take`] |
//! | start the log, raise the limit of descriptors | [`Logs::start`], [`raise_descriptor_limit`] |
//! | build everything that can fail | the program |
//! | take or bind the listener | [`Server::new`] |
//! | make threads, wait for a predecessor, handle signals, write the process file | [`Server::ready`] |
//! | tell the supervisor `READY=1`, accept | [`ReadyServer::run`] |
//! | move to another address | [`Handle::prepare_move`], [`Move::commit`] |
//! | upgrade | `SIGUSR2`, [`Handle::upgrade`], [`request_upgrade`] from another process |
//! | upgrade when the program is replaced | `ProgramWatch` (feature `watch`) |
//! | reload | `SIGHUP` calls [`Server::on_reload`] |
//! | drain; at the second signal end at once | `SIGTERM`, `SIGINT`, [`Handle::drain`] |
//! | write the lines that the log still holds | dropping [`Logs`] |
//!
//! # One listener
//!
//! The parts work without [`Server`] too: a [`Socket`], a [`Drain`], and [`spawn`], which serves on threads of its own.
//!
//! ```
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//!
//! # use std::convert::Infallible;
//! # use std::future::{Ready, ready};
//! # use std::task::{Context, Poll};
//! # use http::{Request, Response};
//! # use hyper::body::Incoming;
//! # #[derive(Clone)]
//! # struct Hello;
//! # impl tower_service::Service<Request<Incoming>> for Hello {
//! #     type Response = Response<String>;
//! #     type Error = Infallible;
//! #     type Future = Ready<Result<Response<String>, Infallible>>;
//! #     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
//! #         Poll::Ready(Ok(()))
//! #     }
//! #     fn call(&mut self, _: Request<Incoming>) -> Self::Future {
//! #         ready(Ok(Response::new(String::from("hello"))))
//! #     }
//! # }
//! use lifecycle::{Drain, DrainTimeouts, Endpoint, Outcome, Socket};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let socket = Socket::bind_host("localhost", 0)?;
//! let endpoint = Endpoint::new(socket, Drain::new(DrainTimeouts::default(), false));
//! let mut server = lifecycle::spawn(endpoint, |endpoint| lifecycle::serve(endpoint, Hello))?;
//!
//! let mut client = TcpStream::connect(server.address())?;
//! server.drain().begin();
//! client.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer)?;
//! assert!(answer.contains("connection: close"));
//! assert!(answer.ends_with("hello"));
//!
//! drop(client);
//! assert_eq!(server.drained().await?, Outcome::Clean);
//! # Ok(())
//! # }
//! ```
//!
//! A program that only serves and stops needs [`endpoint`] and [`serve`]: `examples/existing_service.rs`. A program that keeps
//! its framework's server takes [`listener`], [`shutdown`] and, for a deadline, [`run`]. It stops in order, and loses what
//! frameworks lose: they close idle connections on which a request may be under way.
//!
//! # Supervisors
//!
//! The conventions are systemd's, and other supervisors follow them. Without these variables a server runs by itself.
//!
//! | variable or message | sent by | here |
//! | --- | --- | --- |
//! | `LISTEN_FDS=1`, the socket is descriptor 3 | supervisor | [`Inherited::take`] removes it from the environment, so that children do not take the socket |
//! | `LISTEN_PID` | supervisor | another process's id: nothing is taken; absent: meant for the process that reads it |
//! | `NOTIFY_SOCKET` | supervisor | where the messages go; it stays in the environment, since a successor has the same supervisor |
//! | `READY=1` | server | right before the first accept: a process that dies earlier never had a connection; also after a reload |
//! | `RELOADING=1`, `MONOTONIC_USEC=…` in one datagram | server | when a reload begins |
//! | `STOPPING=1` | server | when the drain begins |
//! | `MAINPID=…` | server | after the process file names the successor |
//! | `SIGTERM`, `SIGINT` | supervisor | drain; the second one ends the process |
//! | `SIGHUP` | supervisor | reload, or stop if the terminal is gone: [`Signals::hangup_means`] |
//! | `SIGUSR2` | operator | upgrade |
//!
//! # An upgrade
//!
//! The program is copied into a sealed file in memory, verified there by its [`Rules`], and executed from there. So the bytes
//! that run are the bytes that were verified. It inherits the listener as descriptor 3 and a channel as descriptor 4, with
//! `LISTEN_FDS=2`. `LISTEN_FDNAMES` says whether the listener is the process's own or a supervisor's.
//!
//! | the old process | the new process |
//! | --- | --- |
//! | `EXECUTABLE=…` | |
//! | | `READY=1`, within 30 s |
//! | `GO=1` | accepts nothing before; waits 5 s at most, since somebody has to serve |
//! | | `SERVING=1`, within 10 s |
//! | drains and watches | `ALIVE=1` every second, on probation |
//! | `OVER=1` | `STOPPING=1` or `UPGRADING=1` end the probation too |
//!
//! A process that closes the channel counts as dead. So does a successor that is late, and one that misses five heartbeats in a
//! row. `upgrade.rs` decides what follows, `successor_channel.rs` and `predecessor.rs` speak the protocol, and [`fault`] can
//! kill or stop either process at each step.
//!
//! # The invariant
//!
//! *An accepted request is answered unless the deadline is over. After the deadline nothing is left.* So a drain first tells
//! clients to close (`Connection: close`). It lingers for clients that are about to send a request, and waits for requests
//! under way. At the deadline it cuts the rest, whatever a framework left behind.
//!
//! # Limits
//!
//! It knows no page and no setting: the program decides what a route or a value means. It speaks HTTP/1 without TLS. It starts
//! no process but a successor, and watches that for its probation alone. It never ends the process. It needs Linux.

#[cfg(feature = "actix")]
pub mod actix;
mod attempt;
mod binary;
mod build_id;
mod connection;
mod connection_io;
mod connection_stats;
mod control_socket;
mod drain;
mod driver;
mod endpoint;
pub mod fault;
mod filter;
mod handle;
mod heartbeat;
mod hooks;
mod inherited;
mod instance;
mod jobs;
mod limits;
mod listeners;
mod logs;
mod main_loop;
pub mod notify;
mod pid_file;
mod port_owner;
mod predecessor;
mod prepared_listener;
mod process_stats;
mod program_file;
#[cfg(feature = "watch")]
mod program_watch;
#[cfg(feature = "watch")]
mod replacement;
mod runtime_stats;
#[cfg(feature = "serde")]
mod seconds;
mod server;
mod server_thread;
mod service;
mod signals;
mod socket;
mod stage;
mod successor;
mod successor_channel;
mod syn_filter;
mod thread_stats;
mod upgrade;
mod upgrade_error;
mod writer;

pub use crate::binary::Rules;
pub use crate::build_id::build_id;
pub use crate::connection::{Connection, Timeouts};
pub use crate::connection_stats::{ConnectionStats, connection_stats};
pub use crate::control_socket::request_upgrade;
pub use crate::drain::{Connected, Drain};
pub use crate::driver::{serve, serve_with_timeouts};
pub use crate::endpoint::Endpoint;
pub use crate::filter::{Filter, FilterError};
pub use crate::handle::Handle;
pub use crate::inherited::{Inherited, executable};
pub use crate::instance::instance;
pub use crate::limits::{needed_descriptors, raise_descriptor_limit};
pub use crate::listeners::{Move, MoveError};
pub use crate::logs::{FilterHandle, Format, Logs};
pub use crate::pid_file::{PidFile, PidFileError};
pub use crate::port_owner::PortOwner;
pub use crate::predecessor::Predecessor;
pub use crate::process_stats::{Drains, ProcessStats, process_stats};
#[cfg(feature = "watch")]
pub use crate::program_watch::ProgramWatch;
pub use crate::runtime_stats::{
    RegisteredRuntime, RuntimeStats, WorkerStats, register_runtime, runtime_stats,
};
pub use crate::server::{ReadyServer, ServeError, Server};
pub use crate::server_thread::{ServerThread, spawn};
pub use crate::service::{endpoint, listener, run, shutdown};
pub use crate::signals::{Hangup, Signal, Signals};
pub use crate::socket::{BindError, Socket};
pub use crate::stage::{DrainTimeouts, Outcome, Stage};
pub use crate::thread_stats::{ThreadStats, thread_stats};
pub use crate::upgrade_error::UpgradeError;
