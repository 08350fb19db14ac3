//! One connection's bytes.

use std::future::Future;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Sleep, sleep, timeout};

/// Bytes that a client may still send after its last answer before the connection is closed in its face.
const LEFTOVERS: usize = 1024 * 1024;

/// How often a connection with unread bytes is asked whether its client has closed its half.
const GLANCE: Duration = Duration::from_secs(1);

/// How long a client may take to notice that its connection was closed.
const FAREWELL: Duration = Duration::from_millis(500);

/// The two ends that share a connection: hyper, which owns this, and the [`Line`], which watches.
pub(crate) struct Wire {
    // A half knows from a read that fills no buffer that there is no more to read, which saves asking again.
    reading: OwnedReadHalf,
    line: Arc<Line>,
    patience: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

/// What can be known about a connection while hyper owns its bytes.
pub(crate) struct Line {
    writing: OwnedWriteHalf,
    /// Bytes were read that belong to a request not yet begun.
    hearing: AtomicBool,
}

impl Wire {
    /// A client that takes nothing for as long as `patience` while there is something to write is given up.
    pub(crate) fn new(stream: TcpStream, patience: Duration) -> (Wire, Arc<Line>) {
        let (reading, writing) = stream.into_split();
        let line = Arc::new(Line { writing, hearing: AtomicBool::new(false) });
        (Wire { reading, line: Arc::clone(&line), patience, stalled: None }, line)
    }

    fn write_with(
        &mut self,
        context: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.line.stream().poll_write_ready(context) {
                Poll::Ready(ready) => ready?,
                Poll::Pending => return self.poll_patience(context),
            }
            match write(self.line.stream()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => {
                    self.stalled = None;
                    self.line.heard_out();
                    return Poll::Ready(written);
                }
            }
        }
    }

    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes no bytes")))
    }
}

impl Line {
    /// A request began, or an answer is on its way: what was read so far belongs to it.
    pub(crate) fn heard_out(&self) {
        self.hearing.store(false, Ordering::Relaxed);
    }

    /// Whether a client has sent bytes of a request that did not begin: read ones, or ones that still wait
    /// in the kernel.
    pub(crate) fn is_speaking(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        self.hearing.load(Ordering::Relaxed)
            || SockRef::from(self.stream()).peek(&mut byte).is_ok_and(|waiting| waiting > 0)
    }

    /// Resolves when the client has closed its half of the connection.
    pub(crate) async fn half_closed(&self) {
        while let Ok(ready) = self.stream().ready(Interest::READABLE).await {
            if ready.is_read_closed() {
                return;
            }
            // There are bytes that hyper has not read yet.
            sleep(GLANCE).await;
        }
        std::future::pending::<()>().await;
    }

    /// Resolves when the connection was reset. A client that has closed it altogether resets it at the next write; one that
    /// has closed its half alone does not.
    pub(crate) async fn broken(&self) {
        if self.stream().ready(Interest::ERROR).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Closes the connection so that its client receives the last answer: a socket closed with unread bytes
    /// resets the connection, and a reset overtakes what the client has not read yet.
    pub(crate) async fn close(&self) {
        if SockRef::from(self.stream()).shutdown(Shutdown::Write).is_ok() {
            let _ = timeout(FAREWELL, self.discard()).await;
        }
    }

    fn stream(&self) -> &TcpStream {
        self.writing.as_ref()
    }

    async fn discard(&self) {
        let mut scrap = [0; 1024];
        let mut left = LEFTOVERS;
        while self.stream().readable().await.is_ok() {
            match self.stream().try_read(&mut scrap) {
                Ok(0) => return,
                Ok(count) if count < left => left -= count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(_) | Err(_) => return,
            }
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.reading).poll_read(context, buffer))?;
        self.line.hearing.store(buffer.filled().len() > before, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write_with(context, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write_with(context, |stream| stream.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// A socket has nothing to flush.
    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(self.line.stream()).shutdown(Shutdown::Write))
    }
}
