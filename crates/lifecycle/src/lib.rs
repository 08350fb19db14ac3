//! How a server process lives.
//!
//! A life, in its order; a program takes as much of it as it wants:
//!
//! | stage | what does it |
//! | --- | --- |
//! | take what was handed over, before any thread starts | [`Inherited::take`], or [`Socket::take`] |
//! | start the log, raise the limits | [`Logs::start`], [`raise_descriptor_limit`] |
//! | build everything that can fail | the program |
//! | bind, if nothing was handed over | [`Socket::bind`] |
//! | write the process file | [`PidFile::create`] |
//! | say that it is ready, immediately before the first accept | [`notify::ready`] |
//! | serve | [`spawn`] with [`serve`], or with a framework's own server |
//! | hear what is wished | [`Signals`] |
//! | move to another address | [`Socket::bind_host_beside`], another lane, then a drain of the first |
//! | upgrade: start what takes over, watch it | [`Successor`], [`Predecessor`] on its side |
//! | drain | [`Drain::begin`], [`Lane::drained`] |
//! | end at once, at a second signal | [`Drain::force`] |
//! | write what the log still holds | dropping [`Logs`] |
//!
//! # A lane, from start to drain
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
//! use lifecycle::{Drain, Endpoint, Outcome, Socket, DrainTimeouts};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let socket = Socket::bind_host("localhost", 0)?;
//! let endpoint = Endpoint::new(socket, Drain::new(DrainTimeouts::default(), false));
//! let mut lane = lifecycle::spawn(endpoint, |endpoint| lifecycle::serve(endpoint, Hello))?;
//!
//! let mut client = TcpStream::connect(lane.address())?;
//! lane.drain().begin();
//! client.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer)?;
//! assert!(answer.contains("connection: close"));
//! assert!(answer.ends_with("hello"));
//!
//! drop(client);
//! assert_eq!(lane.drained().await?, Outcome::Clean);
//! # Ok(())
//! # }
//! ```
//!
//! `examples/existing_service.rs` is the same for a program that has nothing else to do than to serve:
//! [`endpoint`], then [`serve`]. A service that stays with its framework's server adds [`listener`] for its
//! listener, [`shutdown`] for its end and [`run`] for a deadline: it stops in order, but closes idle connections
//! whose clients may be about to send.
//!
//! # Talking to a supervisor
//!
//! The conventions are systemd's; any supervisor may speak them. With none of the variables set, a server
//! runs by itself.
//!
//! | what | who says it | here |
//! | --- | --- | --- |
//! | `LISTEN_FDS=1`, the socket is descriptor 3 | supervisor | [`Socket::take`]; removed from the environment, so that children do not take it for theirs |
//! | `LISTEN_PID` | supervisor | somebody else's id: nothing is taken; absent: meant for whoever reads it |
//! | `NOTIFY_SOCKET` | supervisor | where everything below goes; it stays in the environment, since a successor speaks to the same supervisor |
//! | `READY=1` | server | [`notify::ready`], before the first accept, so that whoever was not ready never had a connection to lose; also after a reload |
//! | `RELOADING=1`, `MONOTONIC_USEC=…` in one datagram | server | [`notify::reloading`] |
//! | `STOPPING=1` | server | [`notify::stopping`], when the drain begins |
//! | `MAINPID=…` | server | [`notify::main_pid`], after the process file changed hands |
//! | `SIGTERM`, `SIGINT` | supervisor | drain; the second one ends it |
//! | `SIGHUP` | supervisor | reload, or stop when the terminal is gone: [`Signals::hangup_means`] |
//! | `SIGUSR2` | operator | upgrade |
//!
//! # An upgrade
//!
//! The program is copied into a sealed file in memory, verified there by its [`Rules`] and executed from there, so
//! the bytes that run are the ones that were verified. It gets the listener as descriptor 3 and a socket as
//! descriptor 4, with `LISTEN_FDS=2`; `LISTEN_FDNAMES` says whether the listener is the process's own. Over the
//! socket both speak in lines: `EXECUTABLE=…`, `GO=1`, `OVER=1` the old one; `READY=1`, `SERVING=1`, `ALIVE=1` every
//! second, `STOPPING=1`, `UPGRADING=1` the new one, which accepts nothing before `GO=1`. Whoever closes it is taken for
//! dead; so is a new one that is silent: 30 s before `READY=1`, 10 s after `GO=1`, five signs of life in a row on probation.
//! An old one that gives no permission for 5 s is waited for no longer, since somebody has to serve. [`fault`] strikes
//! at each step.
//!
//! # The invariant
//!
//! *Once a request has been accepted it is answered, unless its time is over; when the deadline is over
//! nothing is left.* A drain therefore begins by telling clients (`Connection: close`), lingers for those
//! who are about to speak, waits for those who speak, and cuts at the deadline, whatever a framework left
//! behind.
//!
//! # What it does not do
//!
//! It knows no page and no setting: what a signal, a route or a value means is the program's. It speaks
//! HTTP/1 alone, without TLS. It starts no process but a successor, and watches that for its probation alone.
//! It never ends the process itself.

#[cfg(feature = "actix")]
pub mod actix;
mod attempt;
mod binary;
mod control_socket;
pub mod door;
mod drain;
mod driver;
mod endpoint;
pub mod fault;
mod figures;
mod filter;
mod guest;
mod heartbeat;
mod inherited;
mod instance;
mod jobs;
mod lane;
mod limits;
mod listeners;
mod logs;
mod main_loop;
pub mod notify;
mod pid_file;
mod port_owner;
mod predecessor;
mod prepared_listener;
mod server;
mod service;
mod signals;
mod sink;
mod socket;
mod stage;
mod successor;
mod successor_channel;
mod upgrade;
mod upgrade_error;
mod wire;

pub use crate::binary::Rules;
pub use crate::control_socket::request_upgrade;
pub use crate::drain::{Connected, Drain};
pub use crate::driver::{serve, serve_patiently};
pub use crate::endpoint::Endpoint;
pub use crate::figures::{Drains, Figures, figures};
pub use crate::filter::{Filter, FilterError};
pub use crate::guest::{Connection, Patience};
pub use crate::inherited::{Inherited, executable};
pub use crate::instance::instance;
pub use crate::lane::{Lane, spawn};
pub use crate::limits::{needed_descriptors, raise_descriptor_limit};
pub use crate::listeners::{Move, MoveError};
pub use crate::logs::{FilterHandle, Format, Logs};
pub use crate::pid_file::{PidFile, PidFileError};
pub use crate::port_owner::PortOwner;
pub use crate::predecessor::Predecessor;
pub use crate::server::{Handle, ReadyServer, ServeError, Server};
pub use crate::service::{endpoint, listener, run, shutdown};
pub use crate::signals::{Hangup, Signal, Signals};
pub use crate::socket::{BindError, Socket};
pub use crate::stage::{DrainTimeouts, Outcome, Stage};
pub use crate::upgrade_error::UpgradeError;
