//! The claims of this crate, against real sockets, signals and processes.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on says where; roles speak on stdout"
)]

mod child;
mod client;
mod draining;
mod handover;
mod logging;
mod notifying;

mod pid_files;
mod server;
mod serving;
mod signals;
mod sockets;
mod timeouts;
mod whole_server;
