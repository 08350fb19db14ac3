//! Asking a server to upgrade itself, and its answer.

use std::io::{self, BufRead, BufReader};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::process;

use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;
use tokio::io::AsyncWriteExt;

/// Where this process is asked for an upgrade. Only its own user, or root, is heard.
#[derive(Debug)]
pub struct Petitions {
    listener: tokio::net::UnixListener,
}

/// Somebody who waits for the outcome of an upgrade.
#[derive(Debug)]
pub struct Petitioner {
    stream: tokio::net::UnixStream,
}

impl Petitions {
    /// Listens. Must be called on a tokio runtime.
    pub fn listen() -> io::Result<Petitions> {
        let listener = UnixListener::bind_addr(&address(process::id())?)?;
        listener.set_nonblocking(true)?;
        Ok(Petitions { listener: tokio::net::UnixListener::from_std(listener)? })
    }

    /// The next one who asks. Cancelling it loses nobody.
    pub async fn next(&mut self) -> Petitioner {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) if may_ask(&stream) => return Petitioner { stream },
                Ok(_) => {}
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
        }
    }
}

impl Petitioner {
    /// Says how it went, `words` being one line.
    pub async fn answer(mut self, outcome: Result<&str, &str>) {
        let (word, words) = match outcome {
            Ok(words) => ("ok", words),
            Err(words) => ("no", words),
        };
        let _ = self.stream.write_all(format!("{word} {words}\n").as_bytes()).await;
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

fn may_ask(stream: &tokio::net::UnixStream) -> bool {
    let ours = geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == ours || peer.uid() == 0)
}

/// An abstract name: it is gone with its process, and leaves no file.
fn address(pid: u32) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("lifecycle-upgrade-{pid}"))
}
