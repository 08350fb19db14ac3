//! Lends sockets to a program that was never written for it.
//!
//! A seccomp filter reports the program's `bind`, `listen` and `accept`, in whatever language and however it is
//! linked. At the first `bind` of an address the program's socket becomes ours too; at every later one ours takes the
//! place of the program's. All servers so share one queue, and who accepts from it is ours to say.
//!
//! | call | answer |
//! | --- | --- |
//! | `bind` of a TCP address with a port | our listener, in the place of the program's socket |
//! | `listen` on it | done by us, with room for 1024; the program is ready |
//! | `accept` on it | done by us, the connection handed over; while held: `EAGAIN`, or, for a program that waits in it, nothing |
//! | `shutdown` of it, by which some programs stop | success, and nothing: the queue is not theirs to end |
//! | `O_NONBLOCK` on it | noted: the socket is always non-blocking, what the program believes is kept apart |
//! | all else: UDP, Unix sockets, port 0 | as if nobody had heard it |
//!
//! No program is let into the kernel's own `accept`: one that waits there could not be held, and one that is on its way
//! there would take a connection after it was held.
//!
//! A signal whose handler does not ask for a restart interrupts a call that waits for its answer: `accept` may say so
//! anyway, `bind` and `listen`, within the tenth of a millisecond that they take here, otherwise never do.
//!
//! What is not caught: `IORING_OP_ACCEPT` of io_uring, which is no system call: such a program shares the socket and
//! cannot be held. A program of another architecture (32 bits) binds for itself.

mod answers;
mod caller;
mod filter;
mod options;
mod parked;
pub(crate) mod seccomp;
#[cfg(test)]
mod trial;

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rustix::event::{EventfdFlags, eventfd};

use crate::lend::answers::Answers;
use crate::lend::seccomp::Notifications;
use crate::socket::{Holder, Owned};

/// The first kernel that can hand a descriptor over and answer in one step (`SECCOMP_ADDFD_FLAG_SEND`).
const KERNEL: (u32, u32) = (5, 14);

/// What a child was heard to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It was given our listener for this address.
    Bound(SocketAddr),
    /// Another program holds the address; the child's `bind` failed.
    Refused { address: SocketAddr, by: Option<Holder> },
    /// It has called `listen` on a lent socket.
    Listening(SocketAddr),
    /// It accepts on a lent socket, for the first time.
    Accepting(SocketAddr),
    /// Nobody under the filter lives any more.
    Ended,
}

/// A thread that answers one child's notifications; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Lending {
    grip: Arc<Grip>,
    owned: Arc<Owned>,
    thread: Option<JoinHandle<()>>,
}

/// What the runner does to the thread.
#[derive(Debug)]
struct Grip {
    orders: Mutex<Orders>,
    /// Wakes the thread.
    bell: OwnedFd,
}

#[derive(Clone, Copy, Debug, Default)]
struct Orders {
    held: bool,
    over: bool,
}

impl Lending {
    /// Answers on `notify`, with listeners of `owned`; `tell` is called on the thread.
    pub(crate) fn serve(
        notify: OwnedFd,
        owned: Arc<Owned>,
        tell: impl Fn(Heard) + Send + 'static,
    ) -> io::Result<Lending> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let grip = Arc::new(Grip { orders: Mutex::default(), bell });
        let mut answers =
            Answers::new(Notifications::new(notify)?, Arc::clone(&owned), Arc::clone(&grip), Box::new(tell));
        let thread = thread::Builder::new().name("lending".to_owned()).spawn(move || answers.give())?;
        Ok(Lending { grip, owned, thread: Some(thread) })
    }

    /// From now on the child's `accept` finds nothing: when this returns, it has all connections that it will get.
    pub(crate) fn hold(&self) {
        self.grip.orders().held = true;
    }

    /// The child accepts again, and hears of what waits.
    pub(crate) fn release(&self) {
        self.grip.orders().held = false;
        self.grip.ring();
        for listener in self.owned.all() {
            // Who is told of changes only was told of these connections when it was held.
            if listener.has_waiting() {
                let _ = listener.poke();
            }
        }
    }
}

impl Drop for Lending {
    fn drop(&mut self) {
        self.grip.orders().over = true;
        self.grip.ring();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Grip {
    /// Who decides by them keeps them locked until the decision is out.
    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }

    fn hush(&self) {
        let _ = rustix::io::read(&self.bell, &mut [0; 8]);
    }
}

/// Why sockets cannot be lent here; `None` when they can.
pub(crate) fn unavailable() -> Option<String> {
    let name = rustix::system::uname();
    let release = name.release().to_string_lossy();
    if version(&release).is_some_and(|version| version < KERNEL) {
        return Some(format!("the kernel is {release}, lending sockets takes {}.{}", KERNEL.0, KERNEL.1));
    }
    seccomp::unavailable()
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|byte: char| !byte.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{KERNEL, version};

    #[test]
    fn a_kernel_is_known_by_its_first_two_numbers() {
        for (release, found) in [
            ("6.18.44-fc-v657", Some((6, 18))),
            ("5.9.0", Some((5, 9))),
            ("5.15-rc1", Some((5, 15))),
            ("custom", None),
        ] {
            assert_eq!(version(release), found, "{release}");
        }
        assert!((5, 9) < KERNEL && (6, 0) > KERNEL);
    }
}
