//! Decides the answer to each call.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::os::unix::fs::FileTypeExt;
use std::sync::Arc;

use libc::{O_CLOEXEC, O_NONBLOCK};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::sockopt::socket_reuseport;

use crate::address::Address;
use crate::control::Control;
use crate::event::Event;
use crate::listener::{Listener, is_stream};
use crate::listeners::Listeners;
use crate::loans::Loans;
use crate::pending_accept::PendingAccept;
use crate::port_holder::port_holder;
use crate::seccomp::{Call, Kind, Notifications, int};
use crate::socket_options;
use crate::tracee::Tracee;

/// Answers the calls of one program and its descendants.
pub(crate) struct Handler {
    notifications: Notifications,
    listeners: Arc<Listeners>,
    control: Arc<Control>,
    tell: Box<dyn Fn(Event) + Send>,
    loans: Loans,
    pending: Vec<PendingAccept>,
}

enum Answer {
    /// The kernel carries the call out.
    CarryOn,
    Success,
    Failure(Errno),
    /// The call was answered already, will be answered later, or does not wait any more.
    None,
}

/// Reasons for the thread to wake up.
struct Woken {
    has_call: bool,
    has_ended: bool,
}

impl Handler {
    pub(crate) fn new(
        notifications: Notifications,
        listeners: Arc<Listeners>,
        control: Arc<Control>,
        tell: Box<dyn Fn(Event) + Send>,
    ) -> Handler {
        Handler { notifications, listeners, control, tell, loans: Loans::default(), pending: Vec::new() }
    }

    /// Answers calls until no process is left under the filter, or the interceptor is dropped.
    pub(crate) fn run(&mut self) {
        while !self.control.state().over {
            let Ok(woken) = self.wait() else { break };
            if woken.has_call {
                match self.notifications.receive() {
                    Ok(Some(call)) => self.answer(&call),
                    Ok(None) => {}
                    Err(_) => break,
                }
            } else if woken.has_ended {
                break;
            }
            self.serve_pending();
        }
        (self.tell)(Event::Ended);
    }

    fn wait(&self) -> io::Result<Woken> {
        let on_hold = self.control.state().on_hold;
        let mut sources = vec![
            PollFd::new(&self.notifications, PollFlags::IN),
            PollFd::new(self.control.wakeup(), PollFlags::IN),
        ];
        if !on_hold {
            sources.extend(self.pending.iter().map(|pending| PollFd::new(&pending.listener, PollFlags::IN)));
        }
        if let Err(error) = poll(&mut sources, None)
            && error != Errno::INTR
        {
            return Err(error.into());
        }
        if !sources[1].revents().is_empty() {
            self.control.clear_wakeup();
        }
        let events = sources[0].revents();
        Ok(Woken {
            has_call: events.contains(PollFlags::IN),
            has_ended: events.intersects(PollFlags::HUP | PollFlags::ERR),
        })
    }

    fn answer(&mut self, call: &Call) {
        let answer = match call.kind {
            Kind::Bind => self.bind(call).unwrap_or(Answer::CarryOn),
            Kind::Unlink | Kind::UnlinkAt => self.unlink(call).unwrap_or(Answer::CarryOn),
            Kind::Other => Answer::CarryOn,
            _ => {
                let socket = Tracee::new(call.thread).socket(call.descriptor);
                match socket.and_then(|inode| self.listeners.with_inode(inode)) {
                    Some(listener) => self.on_listener(call, listener),
                    None if call.kind == Kind::Listen => self.listen(call).unwrap_or(Answer::CarryOn),
                    None => Answer::CarryOn,
                }
            }
        };
        match answer {
            Answer::CarryOn => self.notifications.carry_on(call),
            Answer::Success => self.notifications.succeed(call),
            Answer::Failure(error) => self.notifications.fail(call, error),
            Answer::None => {}
        }
    }

    /// After an error of our own, the program binds for itself.
    fn bind(&mut self, call: &Call) -> io::Result<Answer> {
        let tracee = Tracee::new(call.thread);
        let [place, length, _] = call.arguments;
        let Some(address) = tracee.address(place, length)? else { return Ok(Answer::CarryOn) };
        let known = self.listeners.at(&address);
        // A new Unix socket is bound by its program, which has the right folder and `umask`, and taken over in `listen`.
        if known.is_none() && address.tcp().is_none_or(|address| address.port() == 0) {
            return Ok(Answer::CarryOn);
        }
        let socket = tracee.duplicate(call.descriptor)?;
        if !is_stream(socket.as_fd()) {
            return Ok(Answer::CarryOn);
        }
        let flags = tracee.flags(call.descriptor).ok_or(ErrorKind::NotFound)?;
        let borrower = (tracee.process().ok_or(ErrorKind::NotFound)?, call.descriptor);
        if !self.notifications.is_waiting(call) {
            return Ok(Answer::None);
        }
        if let Some(listener) = known {
            return self.lend(call, &socket, listener, borrower, flags);
        }
        let Some(address) = address.tcp() else { return Ok(Answer::CarryOn) };
        match self.listeners.bind(socket.try_clone()?, address) {
            Ok(listener) => {
                self.note_loan(listener, borrower, flags);
                Ok(Answer::Success)
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                if let Some(listener) = self.listeners.with_port_of(address)
                    && !self.loans.has(&listener.address)
                {
                    return self.lend(call, &socket, listener, borrower, flags);
                }
                (self.tell)(Event::Refused { address: address.into(), by: port_holder(address) });
                Ok(Answer::Failure(Errno::ADDRINUSE))
            }
            Err(error) => Ok(Answer::failed(&error)),
        }
    }

    /// Replaces the program's socket by our listener. Fails with `EADDRINUSE` if the program has the listener under another
    /// descriptor, as the kernel would without `SO_REUSEPORT`.
    fn lend(
        &mut self,
        call: &Call,
        socket: &OwnedFd,
        listener: Arc<Listener>,
        borrower: (u32, RawFd),
        flags: i32,
    ) -> io::Result<Answer> {
        let shares = socket_reuseport(socket).unwrap_or(false);
        if !shares && self.loans.are_open_elsewhere(&listener, borrower) {
            return Ok(Answer::Failure(Errno::ADDRINUSE));
        }
        socket_options::copy(socket.as_fd(), listener.as_fd());
        self.notifications.replace(call, listener.as_fd(), (flags & O_CLOEXEC).cast_unsigned())?;
        self.note_loan(listener, borrower, flags);
        Ok(Answer::Success)
    }

    /// Takes over a Unix socket that the program has bound. Others are left to the kernel.
    fn listen(&mut self, call: &Call) -> io::Result<Answer> {
        let tracee = Tracee::new(call.thread);
        let socket = tracee.duplicate(call.descriptor)?;
        let Some(address) = tracee.unix_address(&socket)?.filter(|_| is_stream(socket.as_fd())) else {
            return Ok(Answer::CarryOn);
        };
        let flags = tracee.flags(call.descriptor).ok_or(ErrorKind::NotFound)?;
        let borrower = (tracee.process().ok_or(ErrorKind::NotFound)?, call.descriptor);
        if !self.notifications.is_waiting(call) {
            return Ok(Answer::None);
        }
        let listener = self.listeners.adopt(socket, address)?;
        self.note_loan(Arc::clone(&listener), borrower, flags);
        Ok(self.on_listener(call, listener))
    }

    /// The file of a lent socket stays. A program removes it before it binds or when it ends, and clients would find nothing meanwhile.
    fn unlink(&mut self, call: &Call) -> io::Result<Answer> {
        let tracee = Tracee::new(call.thread);
        let path = match call.kind {
            Kind::UnlinkAt => tracee.path(call.arguments[0], call.descriptor)?,
            _ => tracee.path(call.first, libc::AT_FDCWD)?,
        };
        // A name that leads to the socket by a symlink is a file of its own.
        let is_socket = fs::symlink_metadata(&path)?.file_type().is_socket();
        let is_lent = is_socket && self.listeners.at(&Address::Unix(path)).is_some();
        Ok(if is_lent { Answer::Success } else { Answer::CarryOn })
    }

    fn note_loan(&mut self, listener: Arc<Listener>, borrower: (u32, RawFd), flags: i32) {
        let address = listener.address.clone();
        self.loans.of(listener).lend_to(borrower, flags & O_NONBLOCK == 0);
        (self.tell)(Event::Bound(address));
    }

    /// A call on one of our listeners.
    fn on_listener(&mut self, call: &Call, listener: Arc<Listener>) -> Answer {
        let address = listener.address.clone();
        match call.kind {
            Kind::Listen => match listener.listen(int(call.arguments[0])) {
                Ok(()) => {
                    (self.tell)(Event::Listening(address));
                    Answer::Success
                }
                Err(error) => Answer::failed(&error),
            },
            Kind::Accept | Kind::Accept4 => self.accept(call, listener),
            Kind::Shutdown => {
                for pending in self.pending.extract_if(.., |pending| pending.listener.address == address) {
                    self.notifications.fail(&pending.call, Errno::INVAL);
                }
                Answer::Success
            }
            Kind::Ioctl => match Tracee::new(call.thread).number(call.arguments[1]) {
                Ok(number) => {
                    self.loans.of(listener).is_blocking = number == 0;
                    Answer::Success
                }
                Err(_) => Answer::Failure(Errno::FAULT),
            },
            Kind::Fcntl => {
                self.loans.of(listener).is_blocking = int(call.arguments[1]) & O_NONBLOCK == 0;
                Answer::Success
            }
            // A program that stops may refuse new connections by a filter. The next program uses the same socket.
            Kind::PacketFilter => Answer::Success,
            Kind::Bind | Kind::Unlink | Kind::UnlinkAt | Kind::Other => Answer::CarryOn,
        }
    }

    fn accept(&mut self, call: &Call, listener: Arc<Listener>) -> Answer {
        let address = listener.address.clone();
        let loan = self.loans.of(Arc::clone(&listener));
        let waits = loan.is_blocking && !loan.is_polled();
        if !loan.accepts {
            loan.accepts = true;
            (self.tell)(Event::Accepting(address));
        }
        let pending = PendingAccept { call: *call, listener };
        // A thread waits in one call at a time: an older one was interrupted.
        self.pending.retain(|pending| pending.call.thread != call.thread);
        // Locked until the connection is handed over: after `hold` has returned, none is.
        let state = self.control.state();
        let on_hold = state.on_hold;
        let is_served = !on_hold && pending.serve(&self.notifications);
        drop(state);
        let loan = self.loans.of(Arc::clone(&pending.listener));
        if is_served {
            loan.found += 1;
            return Answer::None;
        }
        loan.has_waited |= !on_hold;
        if waits || (loan.is_blocking && !on_hold) {
            self.pending.push(pending);
            return Answer::None;
        }
        Answer::Failure(Errno::AGAIN)
    }

    /// Hands the connections in the queue to the calls that wait for them.
    fn serve_pending(&mut self) {
        let notifications = &self.notifications;
        let state = self.control.state();
        if !state.on_hold {
            self.pending.retain(|pending| !pending.serve(notifications));
        }
    }
}

impl Answer {
    /// The error of the system. The kernel carries the call out after one of our own.
    fn failed(error: &io::Error) -> Answer {
        Errno::from_io_error(error).map_or(Answer::CarryOn, Answer::Failure)
    }
}
