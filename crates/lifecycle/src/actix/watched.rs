//! One connection of actix-web, which keeps the stream to itself.

use std::cell::{Cell, RefCell};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionread;
use rustix::net::{Shutdown, shutdown};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use crate::connection::Connection;
use crate::connection_stats::OpenConnection;
use crate::drain::Drain;

/// The pauses between two looks at a socket that takes no more: the first one, and the longest one.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(20));

/// Time in all for which a client may send further requests while it takes no answers.
const AHEAD: Duration = Duration::from_millis(500);

/// One connection of actix-web, watched from outside. Everything happens on the thread of its worker.
pub(super) struct Watched {
    pub(super) drain: Drain,
    descriptor: Cell<Option<RawFd>>,
    /// The kernel's number of the socket, which no other socket ever has.
    cookie: Option<u64>,
    /// To be notified once.
    half_closed: RefCell<Option<Arc<Notify>>>,
    figures: Option<Arc<OpenConnection>>,
    /// The requests that are being answered.
    answering: Cell<u32>,
    /// When the last answer ended.
    since: Cell<Instant>,
    /// Time for which requests were sent ahead while no answer was taken.
    ahead: Cell<Duration>,
}

impl Watched {
    /// A connection that was just accepted.
    pub(super) fn new(socket: &TcpStream, drain: &Drain, connection: Option<&Connection>) -> Rc<Watched> {
        Rc::new(Watched {
            drain: drain.clone(),
            descriptor: Cell::new(Some(socket.as_raw_fd())),
            cookie: cookie(socket.as_fd()),
            half_closed: RefCell::new(connection.map(|connection| Arc::clone(&connection.half_closed))),
            figures: connection.map(|connection| Arc::clone(&connection.figures)),
            answering: Cell::new(0),
            since: Cell::new(Instant::now()),
            ahead: Cell::new(Duration::ZERO),
        })
    }

    /// Stops asking the socket.
    pub(super) fn forget(&self) {
        self.descriptor.set(None);
    }

    /// Closes the connection when nothing is answered for as long as `limit`. actix-http has no timer for the head of a second
    /// request. It has none for a body that no handler reads.
    pub(super) async fn close_when_silent(self: Rc<Self>, limit: Duration) {
        loop {
            sleep_until(self.since.get() + limit).await;
            if self.answering.get() > 0 {
                self.since.set(Instant::now());
            } else if self.since.get().elapsed() >= limit {
                if self.ask(is_writable) != Some(false) {
                    return self.close();
                }
                // The rest of an answer waits. The kernel gives up a client that takes nothing.
                self.since.set(Instant::now());
            }
        }
    }

    /// Resolves when the socket takes more bytes.
    pub(super) async fn writable(&self) {
        let (mut pause, longest) = PAUSES;
        let mut looked = Instant::now();
        while self.ask(is_writable) == Some(false) {
            if self.ask(has_unread) == Some(true) {
                // actix-http has read 128 KiB of requests; it looks for room without a pause until there is some.
                self.ahead.set(self.ahead.get() + looked.elapsed());
                if self.ahead.get() > AHEAD {
                    tracing::debug!("a client that sends requests ahead and takes no answers is cut");
                    self.close();
                }
            }
            looked = Instant::now();
            sleep(pause).await;
            pause = (2 * pause).min(longest);
        }
    }

    pub(super) fn tell_half_closed(&self) {
        if self.half_closed.borrow().is_some()
            && self.ask(is_half_closed) == Some(true)
            && let Some(half_closed) = self.half_closed.take()
        {
            half_closed.notify_one();
        }
    }

    /// Bytes that the kernel has taken already are still sent.
    fn close(&self) {
        let _ = self.ask(|socket| shutdown(socket, Shutdown::Both));
    }

    /// Asks the socket, if it is still there.
    #[allow(
        unsafe_code,
        reason = "actix-http keeps the stream to itself; a duplicate would double the descriptors"
    )]
    fn ask<T>(&self, ask: impl FnOnce(BorrowedFd<'_>) -> T) -> Option<T> {
        let descriptor = self.descriptor.get()?;
        // SAFETY: The dispatcher drops this connection's data, and with it `Watch`, on this thread before the stream. A
        // request that a handler keeps beyond its connection would keep the data too; then the cookie is not the socket's.
        let socket = unsafe { BorrowedFd::borrow_raw(descriptor) };
        (cookie(socket) == self.cookie).then(|| ask(socket))
    }
}

/// A request that is being answered, up to the last byte of the answer's body.
pub(super) struct Answering {
    pub(super) watched: Rc<Watched>,
}

impl Answering {
    pub(super) fn of(watched: Rc<Watched>) -> Answering {
        watched.answering.set(watched.answering.get() + 1);
        if let Some(figures) = &watched.figures {
            figures.request_began();
        }
        Answering { watched }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.watched.answering.set(self.watched.answering.get() - 1);
        self.watched.since.set(Instant::now());
    }
}

/// The kernel's number of the socket.
fn cookie(socket: BorrowedFd<'_>) -> Option<u64> {
    rustix::net::sockopt::socket_cookie(socket).ok()
}

fn is_writable(socket: BorrowedFd<'_>) -> bool {
    is_ready(socket, PollFlags::OUT)
}

fn is_half_closed(socket: BorrowedFd<'_>) -> bool {
    is_ready(socket, PollFlags::RDHUP)
}

fn is_ready(socket: BorrowedFd<'_>, wanted: PollFlags) -> bool {
    let mut asked = [PollFd::from_borrowed_fd(socket, wanted)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut asked, Some(&now)).is_ok_and(|ready| ready > 0)
}

fn has_unread(socket: BorrowedFd<'_>) -> bool {
    ioctl_fionread(socket).is_ok_and(|unread| unread > 0)
}
