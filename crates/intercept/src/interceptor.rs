//! The thread that answers one program's calls.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rustix::event::{EventfdFlags, eventfd};

use crate::handler::Handler;
use crate::listeners::Listeners;
use crate::port_holder::PortHolder;
use crate::seccomp::{self, Notifications};

/// The first kernel that hands a descriptor over and answers in one step (`SECCOMP_ADDFD_FLAG_SEND`).
const KERNEL: (u32, u32) = (5, 14);

/// A call of the program, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The program's `bind` of this address was answered with our listener.
    Bound(SocketAddr),
    /// Another program holds the address; `bind` failed with `EADDRINUSE`.
    Refused {
        /// The address that the program asked for.
        address: SocketAddr,
        /// Its holder, if it could be found out.
        by: Option<PortHolder>,
    },
    /// The program called `listen` on our listener.
    Listening(SocketAddr),
    /// The program called `accept` on our listener, for the first time.
    Accepting(SocketAddr),
    /// No process under the filter is left.
    Ended,
}

/// Answers the calls of one program and its descendants. Dropping it ends its thread; calls then fail with `ENOSYS`.
#[derive(Debug)]
pub struct Interceptor {
    control: Arc<Control>,
    listeners: Arc<Listeners>,
    thread: Option<JoinHandle<()>>,
}

/// State that the thread and its owner share.
#[derive(Debug)]
pub(crate) struct Control {
    state: Mutex<State>,
    /// An eventfd that wakes the thread.
    wakeup: OwnedFd,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    pub(crate) on_hold: bool,
    pub(crate) over: bool,
}

impl Interceptor {
    /// Answers the calls that are reported on `notify`, with listeners of `listeners`, which keeps new ones. `tell` is called
    /// on the thread: it must not block.
    ///
    /// # Errors
    ///
    /// There is no thread or descriptor left.
    pub fn serve(
        notify: OwnedFd,
        listeners: Arc<Listeners>,
        tell: impl Fn(Event) + Send + 'static,
    ) -> io::Result<Interceptor> {
        let wakeup = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let control = Arc::new(Control { state: Mutex::default(), wakeup });
        let notifications = Notifications::new(notify)?;
        let mut handler =
            Handler::new(notifications, Arc::clone(&listeners), Arc::clone(&control), Box::new(tell));
        let thread = thread::Builder::new().name("intercept".to_owned()).spawn(move || handler.run())?;
        Ok(Interceptor { control, listeners, thread: Some(thread) })
    }

    /// Puts the program on hold: its `accept` finds nothing. When this returns, it has received its last connection.
    pub fn hold(&self) {
        self.control.state().on_hold = true;
    }

    /// Ends the hold. The program hears of the connections that wait.
    pub fn release(&self) {
        self.control.state().on_hold = false;
        self.control.wake();
        for listener in self.listeners.all() {
            // A program that polls for edges got the edges of these connections while it was on hold.
            if listener.has_waiting() {
                let _ = listener.poke();
            }
        }
    }
}

impl Drop for Interceptor {
    fn drop(&mut self) {
        self.control.state().over = true;
        self.control.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Control {
    /// The state, locked. A decision that depends on it is carried out before the lock is released.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wakeup(&self) -> &OwnedFd {
        &self.wakeup
    }

    pub(crate) fn clear_wakeup(&self) {
        let _ = rustix::io::read(&self.wakeup, &mut [0; 8]);
    }

    fn wake(&self) {
        let _ = rustix::io::write(&self.wakeup, &1_u64.to_ne_bytes());
    }
}

/// Why calls cannot be intercepted on this machine; `None` if they can.
#[must_use]
pub fn unavailable() -> Option<String> {
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
