//! The process before this one, as its successor sees it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream as Pair;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use tokio::time::interval;

use crate::fault;
use crate::signs::{ALIVE, PULSE};

/// How long the permission to accept may take: a predecessor that gives none by then is stuck.
const STEP: Duration = Duration::from_secs(5);

/// The process that started this one to take over from it.
#[derive(Debug)]
pub struct Predecessor {
    stream: Pair,
}

/// A predecessor that watches over this process's probation.
#[derive(Debug)]
pub struct Guardian {
    writer: Arc<Pair>,
    reader: UnixStream,
    heard: Vec<u8>,
    pulse: JoinHandle<()>,
}

impl Predecessor {
    pub(crate) fn new(stream: Pair) -> Predecessor {
        Predecessor { stream }
    }

    /// The first thing it says: the path of the program, as it was started first.
    pub(crate) fn executable(&self) -> io::Result<Vec<u8>> {
        let line = self.line()?;
        line.strip_prefix(b"EXECUTABLE=").map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Its process id, as it was when it made the channel.
    pub fn pid(&self) -> Option<u32> {
        let peer = rustix::net::sockopt::socket_peercred(&self.stream).ok()?;
        u32::try_from(peer.pid.as_raw_nonzero().get()).ok()
    }

    /// Says that everything that can fail has not failed, and waits for the permission to accept. A predecessor that
    /// is gone, or stuck, is waited for no longer: somebody has to serve.
    pub fn ready(&self) {
        if (&self.stream).write_all(b"READY=1\n").is_err() {
            return;
        }
        fault::strike("new.ready");
        let _ = self.stream.set_read_timeout(Some(STEP));
        match self.line() {
            Ok(line) if line == b"GO=1" => {}
            Ok(_) | Err(_) => tracing::warn!("the predecessor gives no permission: serving without"),
        }
        fault::strike("new.permitted");
    }

    /// Says that this process accepts, and from now on that it lives. Must be called on a tokio runtime.
    pub fn serving(self) -> io::Result<Guardian> {
        let reader = self.stream.try_clone()?;
        reader.set_nonblocking(true)?;
        let (reader, writer) = (UnixStream::from_std(reader)?, Arc::new(self.stream));
        // In this order: who has given a sign is missed when there are no more. Nobody hears it when the predecessor is gone.
        let _ = (&*writer).write_all(format!("{ALIVE}\nSERVING=1\n").as_bytes());
        fault::strike("new.probation");
        let pulse = tokio::spawn(live(Arc::clone(&writer)));
        Ok(Guardian { writer, reader, heard: Vec::new(), pulse })
    }

    /// One byte at a time, so that nothing of what comes later is lost.
    fn line(&self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        BufReader::with_capacity(1, &self.stream).take(1 << 16).read_until(b'\n', &mut line)?;
        line.pop().ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(line)
    }
}

impl Guardian {
    /// Resolves with whether the probation was passed, or false when the predecessor is gone before its end.
    /// Cancelling it loses nothing.
    pub async fn judged(&mut self) -> bool {
        while !self.heard.ends_with(b"OVER=1\n") {
            match self.reader.read_buf(&mut self.heard).await {
                Ok(0) | Err(_) => return false,
                Ok(_) => {}
            }
        }
        true
    }

    /// Says that this process was asked to stop.
    pub fn stopping(&self) {
        self.say(b"STOPPING=1\n");
    }

    /// Says that this process has a successor of its own: the probation is over.
    pub fn upgrading(&self) {
        self.say(b"UPGRADING=1\n");
    }

    fn say(&self, words: &[u8]) {
        // Nobody hears it when the predecessor is gone.
        let _ = (&*self.writer).write_all(words);
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        self.pulse.abort();
    }
}

/// Says that this process lives, until the predecessor is gone. One that does not read loses some of it.
async fn live(writer: Arc<Pair>) {
    let mut pulse = interval(PULSE);
    loop {
        pulse.tick().await;
        let said = (&*writer).write_all(format!("{ALIVE}\n").as_bytes());
        if said.is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock) {
            return;
        }
    }
}
