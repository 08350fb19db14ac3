//! The bytes of one connection.

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

use crate::connection_stats::{ListedConnection, OpenConnection};

/// Bytes that a client may still send after its last answer. After more of them the connection is reset.
const UNREAD: usize = 1024 * 1024;

/// Interval at which a connection with unread bytes is checked for a client that has closed its half.
const RECHECK: Duration = Duration::from_secs(1);

/// Time that a client may take to close its half after the server has closed the other.
const CLOSING: Duration = Duration::from_millis(500);

/// A connection as hyper reads and writes it. The [`ConnectionSocket`] watches the same socket.
pub(crate) struct ConnectionIo {
    // After a read that does not fill the buffer, a half knows that there is no more to read. That saves a system call.
    reading: OwnedReadHalf,
    socket: Arc<ConnectionSocket>,
    write_timeout: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

/// The socket of a connection whose bytes hyper owns.
pub(crate) struct ConnectionSocket {
    /// Dropped first: it may not outlive the socket.
    listed: ListedConnection,
    writing: OwnedWriteHalf,
    /// True if bytes were read of a request that has not begun.
    partial_request: AtomicBool,
}

impl ConnectionIo {
    /// A write fails after `write_timeout` if the client takes nothing for as long.
    pub(crate) fn new(
        stream: TcpStream,
        listed: ListedConnection,
        write_timeout: Duration,
    ) -> (ConnectionIo, Arc<ConnectionSocket>) {
        let (reading, writing) = stream.into_split();
        let partial_request = AtomicBool::new(false);
        let socket = Arc::new(ConnectionSocket { listed, writing, partial_request });
        (ConnectionIo { reading, socket: Arc::clone(&socket), write_timeout, stalled: None }, socket)
    }

    fn write_with(
        &mut self,
        context: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.socket.stream().poll_write_ready(context) {
                Poll::Ready(ready) => ready?,
                Poll::Pending => return self.poll_timeout(context),
            }
            match write(self.socket.stream()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => {
                    self.stalled = None;
                    self.socket.clear_partial_request();
                    return Poll::Ready(written);
                }
            }
        }
    }

    fn poll_timeout(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let timeout = self.write_timeout;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes no bytes")))
    }
}

impl ConnectionSocket {
    /// The figures of the connection.
    pub(crate) fn figures(&self) -> &OpenConnection {
        self.listed.connection()
    }

    /// A request has begun, or is being answered. The bytes that were read so far belong to it.
    pub(crate) fn clear_partial_request(&self) {
        self.partial_request.store(false, Ordering::Relaxed);
    }

    /// True if the client has sent bytes of a request that has not begun. They were read, or wait in the kernel.
    pub(crate) fn has_partial_request(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        self.partial_request.load(Ordering::Relaxed)
            || SockRef::from(self.stream()).peek(&mut byte).is_ok_and(|waiting| waiting > 0)
    }

    /// Resolves when the client has closed its half of the connection.
    pub(crate) async fn half_closed(&self) {
        while let Ok(ready) = self.stream().ready(Interest::READABLE).await {
            if ready.is_read_closed() {
                return;
            }
            // There are bytes that hyper has not read yet.
            sleep(RECHECK).await;
        }
        std::future::pending::<()>().await;
    }

    /// Resolves when the connection is reset. A client that has closed it resets it at the next write. A client that has closed
    /// its half alone does not.
    pub(crate) async fn reset(&self) {
        if self.stream().ready(Interest::ERROR).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Closes the connection so that its client receives the last answer. A socket that is closed with unread bytes resets the
    /// connection. Then the client loses the bytes that it has not read yet.
    pub(crate) async fn close(&self) {
        if SockRef::from(self.stream()).shutdown(Shutdown::Write).is_ok() {
            let _ = timeout(CLOSING, self.discard()).await;
        }
    }

    fn stream(&self) -> &TcpStream {
        self.writing.as_ref()
    }

    async fn discard(&self) {
        let mut scrap = [0; 1024];
        let mut left = UNREAD;
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

impl AsyncRead for ConnectionIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.reading).poll_read(context, buffer))?;
        self.socket.partial_request.store(buffer.filled().len() > before, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ConnectionIo {
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
        Poll::Ready(SockRef::from(self.socket.stream()).shutdown(Shutdown::Write))
    }
}
