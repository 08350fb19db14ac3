//! The socket on which a process is asked to upgrade itself.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::process;
use std::time::Duration;

use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::upgrade_error::UpgradeError;

/// Pause of accepting after an error that will last, such as running out of descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts requests for an upgrade, from this process's user and from root.
#[derive(Debug)]
pub(crate) struct ControlSocket {
    listener: tokio::net::UnixListener,
}

/// A process that waits for the outcome of an upgrade.
#[derive(Debug)]
pub(crate) enum Requester {
    /// Another process, such as `--upgrade PID`.
    Process(UnixStream),
    /// A task of this process.
    Task(oneshot::Sender<Result<String, UpgradeError>>),
}

impl ControlSocket {
    /// Must be called on a tokio runtime.
    pub(crate) fn listen() -> io::Result<ControlSocket> {
        let listener = UnixListener::bind_addr(&address(process::id())?)?;
        listener.set_nonblocking(true)?;
        Ok(ControlSocket { listener: tokio::net::UnixListener::from_std(listener)? })
    }

    /// The next request of a user who may ask. Others are told why not. Cancelling it loses nothing.
    pub(crate) async fn next(&mut self) -> Requester {
        let user = geteuid().as_raw();
        loop {
            let accepted = self.listener.accept().await;
            match accepted.and_then(|(stream, _)| Ok((stream.peer_cred()?.uid(), stream.into_std()?))) {
                Ok((peer, stream)) if may_ask(peer, user) => return Requester::Process(stream),
                Ok((_, stream)) => {
                    let reason = format!("not permitted: only user {user} or root may ask this server");
                    Requester::Process(stream).answer(Err(&UpgradeError::Busy(reason)));
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }
}

impl Requester {
    /// Sends the outcome, one line of text.
    ///
    /// It never waits: the line fits the socket's empty buffer. It arrives even if this process ends right after it. The
    /// requester may be gone.
    pub(crate) fn answer(self, outcome: Result<&str, &UpgradeError>) {
        match self {
            Requester::Process(mut stream) => {
                let line = match outcome {
                    Ok(text) => format!("ok {text}\n"),
                    Err(error) => format!("no {error}\n"),
                };
                let _ = stream.write_all(line.as_bytes());
            }
            Requester::Task(sender) => {
                let _ = sender.send(outcome.map(str::to_owned).map_err(Clone::clone));
            }
        }
    }
}

/// Asks the server with this process id to upgrade itself, and waits for the outcome.
///
/// The inner result is the server's own text: of the success, or why there was no upgrade. The outer error says that the
/// process could not be asked.
pub fn request_upgrade(pid: u32) -> io::Result<Result<String, String>> {
    let stream = UnixStream::connect_addr(&address(pid)?)?;
    // Any process may have taken the name.
    let listener = socket_peercred(&stream).ok().map(|listener| listener.pid.as_raw_nonzero().get());
    if listener.and_then(|listener| u32::try_from(listener).ok()) != Some(pid) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "another process answers in its name"));
    }
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    match line.trim_end().split_once(' ') {
        Some(("ok", text)) => Ok(Ok(text.to_owned())),
        Some((_, text)) => Ok(Err(text.to_owned())),
        None => Ok(Err(String::from("the server ended without an answer"))),
    }
}

/// An abstract socket has no file whose mode could keep other users out.
fn may_ask(peer: u32, user: u32) -> bool {
    peer == user || peer == 0
}

/// An abstract name is gone with its process, and leaves no file. Processes of two containers may have the same id and share
/// the network, and with it the abstract names. So the name has the process id namespace too.
fn address(pid: u32) -> io::Result<SocketAddr> {
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    SocketAddr::from_abstract_name(format!("lifecycle-upgrade-{}-{pid}", namespace.display()))
}
