//! Answers another process's `bind`, `listen` and `accept`. Linux 5.14 and later, on `x86_64` and `aarch64`.
//!
//! So two copies of a program that know nothing of each other can share one listening socket. The process that started them
//! decides which of them accepts. A new version takes over from an old one, and no connection is refused or lost. The program
//! needs no change, in whatever language it is written and however it is linked.
//!
//! A seccomp filter reports the calls (user notification, seccomp_unotify(2)), and an [`Interceptor`] answers them:
//!
//! | call | answer |
//! | --- | --- |
//! | `bind` of a TCP address with a port | the descriptor becomes our listener of that address; the first program's socket becomes that listener |
//! | `listen` on it | done by us, with a backlog of at least 1024; tells [`Event::Listening`] |
//! | `accept` on it | done by us, and the connection is handed over; on hold: `EAGAIN`, or the call goes on waiting if the program expects a blocking socket |
//! | `shutdown` of it, by which some programs stop | success, without effect: the queue belongs to the next program too |
//! | `setsockopt` of a packet filter on it | success, without effect, for the same reason |
//! | `O_NONBLOCK` on it | noted: the socket is always non-blocking, and the program's own setting is kept apart |
//! | `bind` of a Unix socket | the first one is carried out by the kernel, later ones as above |
//! | `listen` on a Unix socket | it becomes our listener; tells [`Event::Bound`] and [`Event::Listening`] |
//! | `unlink` of the file of such a listener | success, without effect: clients must find it at every moment. [`Listeners::retain`] removes it |
//! | everything else: UDP, port 0 | the kernel carries the call out |
//!
//! No program enters the kernel's own `accept`. A call that waits there cannot be held back. One that is on its way there would
//! take a connection after the hold.
//!
//! ```no_run
//! use intercept::{Event, Interceptor, Listeners, Spec, start};
//! use std::process::ExitCode;
//! use std::sync::Arc;
//!
//! fn main() -> std::io::Result<ExitCode> {
//!     // This program starts itself again under a hidden name, and that copy becomes the server.
//!     if let Some(code) = intercept::launcher() {
//!         return Ok(code);
//!     }
//!     let listeners = Arc::new(Listeners::default());
//!     let child = start(Spec::new(["python3", "-m", "http.server", "8000"]))?;
//!     let notify = child.notify.expect("`unavailable` says why there may be none");
//!     let interceptor = Interceptor::serve(notify, listeners, |event| {
//!         if let Event::Listening(address) = event {
//!             println!("serves {address}");
//!         }
//!     })?;
//!     // Once a second program listens on the same address, the first one takes nothing new:
//!     interceptor.hold();
//!     Ok(ExitCode::SUCCESS)
//! }
//! ```
//!
//! # What the program sees of it
//!
//! * **`no_new_privs`** is set, as a filter without privileges demands (prctl(2)): `sudo`, `su` and other programs with the set-user-id
//!   bit or with file capabilities do not raise the privileges of anything below this program.
//! * **A process group of its own**, whose id is the program's process id, and `/dev/null` as standard input.
//! * **The marker variable**, if [`Spec::marker`] names one. Every process below inherits it. A program may fork twice and take
//!   a session of its own; by the marker in `/proc/PID/environ` it can still be found. This crate ends nothing by it. hotrun
//!   does, when a server is gone and when hotrun ends. Its sweep kills every process with the marker, also daemons that the
//!   program started. A process that clears its environment and leaves both its parent and its group is not found.
//! * **`SIGKILL` when the thread that called [`start`] ends**, so that nothing is left behind (`PR_SET_PDEATHSIG`).
//! * **A call takes about a tenth of a millisecond**, since it is answered by another process.
//! * A signal whose handler does not ask for a restart interrupts a call that waits for its answer. So `bind` and `listen` may
//!   return `EINTR`, which they never do otherwise.
//!
//! # What it does not catch
//!
//! `IORING_OP_ACCEPT` of io_uring is no system call: such a program shares the socket and cannot be put on hold. A program of
//! another architecture (32 bits on a 64-bit machine) binds for itself. A Unix socket that is moved over another one by
//! `rename` is a new one each time. A process can have one such filter: under a program that uses this crate, a second one gets
//! none ([`Child::unfiltered`] says so). If a container forbids `seccomp`, [`unavailable`] says why.
#![cfg(target_os = "linux")]

mod address;
mod child;
mod control;
mod event;
mod fd_message;
mod filter;
mod handler;
mod interceptor;
mod launcher;
mod listener;
mod listeners;
mod loans;
mod pending_accept;
mod port_holder;
mod seccomp;
mod sockaddr;
mod socket_options;
#[cfg(test)]
mod tests;
mod tracee;

pub use address::Address;
pub use child::{Child, Marker, Spec, start};
pub use event::Event;
pub use interceptor::{Interceptor, unavailable};
pub use launcher::launcher;
pub use listeners::Listeners;
pub use port_holder::{PortHolder, port_holder};
