//! The process that this one takes over from.

use std::io::{self, BufRead, BufReader as LineReader, Read, Write};
use std::os::unix::net::UnixStream as Pair;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

use crate::fault;
use crate::heartbeat::{ALIVE, PERIOD};

/// Upper bound on the wait for the permission to accept. A predecessor that gives none by then is stuck.
const PERMISSION: Duration = Duration::from_secs(5);

/// The longest line that is read: a path and a few letters.
const LINE: u64 = 1 << 16;

/// The channel to the process that started this one to take over.
#[derive(Debug)]
pub struct Predecessor {
    channel: Pair,
}

/// The new process's end of the channel while its predecessor watches it.
#[derive(Debug)]
pub(crate) struct PredecessorWatch {
    channel: Arc<Pair>,
    lines: Lines<BufReader<UnixStream>>,
    heartbeat: Option<JoinHandle<()>>,
}

impl Predecessor {
    pub(crate) fn new(channel: Pair) -> Predecessor {
        Predecessor { channel }
    }

    /// Its process id, as it was when it made the channel.
    pub fn pid(&self) -> Option<u32> {
        let peer = rustix::net::sockopt::socket_peercred(&self.channel).ok()?;
        u32::try_from(peer.pid.as_raw_nonzero().get()).ok()
    }

    /// The path of the program as it was first started, in the first line that the predecessor sends.
    pub(crate) fn executable(&self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        // One byte at a time, so that no byte of the next line is taken from the channel.
        LineReader::with_capacity(1, &self.channel).take(LINE).read_until(b'\n', &mut line)?;
        line.pop().ok_or(io::ErrorKind::UnexpectedEof)?;
        line.strip_prefix(b"EXECUTABLE=").map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Must be called on a tokio runtime.
    pub(crate) fn watch(self) -> io::Result<PredecessorWatch> {
        let reader = self.channel.try_clone()?;
        reader.set_nonblocking(true)?;
        let lines = BufReader::new(UnixStream::from_std(reader)?).lines();
        Ok(PredecessorWatch { channel: Arc::new(self.channel), lines, heartbeat: None })
    }
}

impl PredecessorWatch {
    /// Says that everything that can fail has succeeded, and waits for the permission to accept. It does not wait for a
    /// predecessor that is gone or stuck: somebody has to serve.
    pub(crate) async fn ready(&mut self) {
        self.tell("READY=1");
        fault::strike("new.ready");
        match timeout(PERMISSION, self.lines.next_line()).await {
            Ok(Ok(Some(line))) if line == "GO=1" => {}
            _ => tracing::warn!("the predecessor gives no permission: serving without"),
        }
        fault::strike("new.permitted");
    }

    /// Says that this process accepts, and sends heartbeats from now on.
    pub(crate) fn serving(&mut self) {
        // A predecessor counts heartbeats from the first one on, so that comes first.
        self.tell(ALIVE);
        self.tell("SERVING=1");
        fault::strike("new.probation");
        self.heartbeat = Some(tokio::spawn(beat(Arc::clone(&self.channel))));
    }

    /// Resolves with whether the probation was passed; with `false` if the predecessor is gone before its end. Cancelling
    /// it loses nothing.
    pub(crate) async fn passed(&mut self) -> bool {
        loop {
            match self.lines.next_line().await {
                Ok(Some(line)) if line == "OVER=1" => return true,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return false,
            }
        }
    }

    /// Says that this process was asked to stop.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// Says that this process has a successor of its own.
    pub(crate) fn upgrading(&self) {
        self.tell("UPGRADING=1");
    }

    /// Sends a line. Does nothing if the predecessor is gone.
    fn tell(&self, line: &str) {
        let _ = (&*self.channel).write_all(format!("{line}\n").as_bytes());
    }
}

impl Drop for PredecessorWatch {
    fn drop(&mut self) {
        if let Some(heartbeat) = &self.heartbeat {
            heartbeat.abort();
        }
    }
}

/// Sends heartbeats until the predecessor is gone. One that does not read loses some of them.
async fn beat(channel: Arc<Pair>) {
    let mut ticks = interval(PERIOD);
    loop {
        ticks.tick().await;
        let sent = (&*channel).write_all(format!("{ALIVE}\n").as_bytes());
        if sent.is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use tokio::time::{Instant, sleep};

    use super::{PERIOD, PERMISSION, Predecessor, PredecessorWatch};

    /// The watch, and a stub of the predecessor at the other end of its channel.
    fn watch() -> (PredecessorWatch, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        (Predecessor::new(ours).watch().unwrap(), theirs)
    }

    fn heard(stub: &mut UnixStream) -> String {
        let mut bytes = [0; 256];
        let count = stub.read(&mut bytes).unwrap_or(0);
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    #[test]
    fn a_predecessor_names_its_program_first() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"EXECUTABLE=/usr/bin/a b\nGO=1\n").unwrap();
        let predecessor = Predecessor::new(ours);
        assert_eq!(predecessor.executable().unwrap(), b"/usr/bin/a b");
        assert_eq!(predecessor.pid(), Some(std::process::id()));
        assert!(predecessor.executable().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_successor_accepts_once_it_is_permitted() {
        let (mut watch, mut stub) = watch();
        stub.write_all(b"GO=1\n").unwrap();
        let since = Instant::now();
        watch.ready().await;
        assert!(since.elapsed() < PERMISSION);
        assert_eq!(heard(&mut stub), "READY=1\n");
        watch.serving();
        assert_eq!(heard(&mut stub), "ALIVE=1\nSERVING=1\n");
        sleep(3 * PERIOD).await;
        assert!(heard(&mut stub).matches("ALIVE=1\n").count() >= 3);
        stub.write_all(b"OVER=1\n").unwrap();
        drop(stub);
        assert!(watch.passed().await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_predecessor_that_is_stuck_is_not_waited_for() {
        let (mut watch, _stub) = watch();
        let since = Instant::now();
        watch.ready().await;
        assert_eq!(since.elapsed(), PERMISSION);
    }

    #[tokio::test(start_paused = true)]
    async fn a_predecessor_that_is_gone_is_not_waited_for() {
        let (mut watch, stub) = watch();
        drop(stub);
        let since = Instant::now();
        watch.ready().await;
        watch.serving();
        assert!(!watch.passed().await);
        assert!(since.elapsed() < PERMISSION);
    }

    #[tokio::test(start_paused = true)]
    async fn a_predecessor_that_ends_before_the_probation_is_over_has_not_passed_it() {
        let (mut watch, mut stub) = watch();
        stub.write_all(b"GO=1\nsomething\n").unwrap();
        watch.ready().await;
        drop(stub);
        assert!(!watch.passed().await);
    }
}
