//! The events of a server.

use std::io;
use std::process::ExitStatus;

use crate::drain::Progress;

/// An event of a server. Other threads report it.
#[derive(Debug)]
pub(crate) enum ServerEvent {
    /// A call on its sockets.
    Socket(intercept::Event),
    /// It said `READY=1`.
    Notified,
    /// It answered the probe.
    Answered,
    /// It leaves.
    Leaving(Progress),
    /// No process of it is left.
    Ended(io::Result<ExitStatus>),
}
