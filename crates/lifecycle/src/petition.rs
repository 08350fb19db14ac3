//! Asking a server to upgrade itself, and its answer.

use std::io::{self, BufRead, BufReader, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::process;

use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;

/// Where this process is asked for an upgrade. Only its own user, or root, is heard.
#[derive(Debug)]
pub struct Petitions {
    listener: tokio::net::UnixListener,
}

/// A process that waits for the outcome of an upgrade.
#[derive(Debug)]
pub struct Petitioner {
    stream: UnixStream,
}

impl Petitions {
    /// Listens. Must be called on a tokio runtime.
    pub fn listen() -> io::Result<Petitions> {
        let listener = UnixListener::bind_addr(&address(process::id())?)?;
        listener.set_nonblocking(true)?;
        Ok(Petitions { listener: tokio::net::UnixListener::from_std(listener)? })
    }

    /// The next one who asks and may do so; others are told why not. Cancelling it loses nobody.
    pub async fn next(&mut self) -> Petitioner {
        let user = geteuid().as_raw();
        loop {
            let accepted = self.listener.accept().await;
            match accepted.and_then(|(stream, _)| Ok((stream.peer_cred()?.uid(), stream.into_std()?))) {
                Ok((peer, stream)) if may_ask(peer, user) => return Petitioner { stream },
                Ok((_, stream)) => {
                    let words = format!("not permitted: only user {user} or root may ask this server");
                    Petitioner { stream }.answer(Err(&words));
                }
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
        }
    }
}

impl Petitioner {
    /// Sends the outcome, one line of text.
    ///
    /// The line fits the socket's empty buffer, so this waits for nobody, and the answer arrives even if this process
    /// ends right after it.
    pub fn answer(mut self, outcome: Result<&str, &str>) {
        let (word, words) = match outcome {
            Ok(words) => ("ok", words),
            Err(words) => ("no", words),
        };
        // The asking process may be gone.
        let _ = self.stream.write_all(format!("{word} {words}\n").as_bytes());
    }
}

/// Asks the server with this process id to upgrade itself, and waits for the outcome in its words.
pub fn petition(pid: u32) -> io::Result<Result<String, String>> {
    let stream = UnixStream::connect_addr(&address(pid)?)?;
    // Anybody could have taken the name.
    let listener = socket_peercred(&stream)?;
    if u32::try_from(listener.pid.as_raw_nonzero().get()) != Ok(pid) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "another process answers in its name"));
    }
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    match line.trim_end().split_once(' ') {
        Some(("ok", words)) => Ok(Ok(words.to_owned())),
        Some((_, words)) => Ok(Err(words.to_owned())),
        None => Ok(Err(String::from("the server ended without an answer"))),
    }
}

/// An abstract socket has no file whose mode could keep other users out.
fn may_ask(peer: u32, user: u32) -> bool {
    peer == user || peer == 0
}

/// An abstract name: it is gone with its process, and leaves no file.
fn address(pid: u32) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("lifecycle-upgrade-{pid}"))
}
