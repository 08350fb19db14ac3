//! The socket through which scripts and editors ask a running hotrun.
//!
//! A client sends one request, a line of JSON. hotrun answers with lines of JSON, and closes the connection after the last one.

mod client;
mod folder;
mod request;
mod server;

pub(crate) use crate::control::client::run;
pub(crate) use crate::control::request::{Call, Request};
pub(crate) use crate::control::server::ControlSocket;
