//! The thread that answers one program's calls.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::control::Control;
use crate::event::Event;
use crate::handler::Handler;
use crate::listeners::Listeners;
use crate::seccomp::{self, Notifications};

/// The first kernel that hands a descriptor over and answers in one step (`SECCOMP_ADDFD_FLAG_SEND`).
const KERNEL: (u32, u32) = (5, 14);

/// Answers the calls of one program and its descendants. Dropping it ends its thread; calls then fail with `ENOSYS`.
#[derive(Debug)]
pub struct Interceptor {
    control: Arc<Control>,
    listeners: Arc<Listeners>,
    thread: Option<JoinHandle<()>>,
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
        let control = Arc::new(Control::new()?);
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
