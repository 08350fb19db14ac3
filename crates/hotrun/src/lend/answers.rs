//! What is answered to a program's calls.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::sync::Arc;

use libc::{O_CLOEXEC, O_NONBLOCK};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::sockopt::socket_reuseport;

use crate::lend::caller::{Caller, socket_behind};
use crate::lend::parked::Parked;
use crate::lend::seccomp::{Call, Kind, Notifications, int};
use crate::lend::{Grip, Heard, options};
use crate::socket::{Listener, Owned, holder, is_stream};

/// Answers the calls of one child and its descendants.
pub(super) struct Answers {
    notifications: Notifications,
    owned: Arc<Owned>,
    grip: Arc<Grip>,
    tell: Box<dyn Fn(Heard) + Send>,
    tenancies: Vec<Tenancy>,
    parked: Vec<Parked>,
}

/// One of our listeners in the hands of the child.
struct Tenancy {
    listener: Arc<Listener>,
    /// The process and its descriptor; none for a listener that it inherited.
    tenant: Option<(u32, RawFd)>,
    /// The child believes the socket to be blocking.
    waits: bool,
    accepts: bool,
}

enum Answer {
    CarryOn,
    Success,
    Failure(Errno),
    /// It was answered, or will be, or nobody waits for it.
    None,
}

/// What the thread was woken by.
struct Woken {
    called: bool,
    deserted: bool,
}

impl Answers {
    pub(super) fn new(
        notifications: Notifications,
        owned: Arc<Owned>,
        grip: Arc<Grip>,
        tell: Box<dyn Fn(Heard) + Send>,
    ) -> Answers {
        Answers { notifications, owned, grip, tell, tenancies: Vec::new(), parked: Vec::new() }
    }

    /// Answers until nobody is left under the filter, or it is over.
    pub(super) fn give(&mut self) {
        while !self.grip.orders().over {
            let Ok(woken) = self.wait() else { break };
            if woken.called {
                match self.notifications.receive() {
                    Ok(Some(call)) => self.answer(&call),
                    Ok(None) => {}
                    Err(_) => break,
                }
            } else if woken.deserted {
                break;
            }
            self.serve_parked();
        }
        (self.tell)(Heard::Ended);
    }

    fn wait(&self) -> io::Result<Woken> {
        let held = self.grip.orders().held;
        let mut sources = vec![
            PollFd::new(&self.notifications, PollFlags::IN),
            PollFd::new(&self.grip.bell, PollFlags::IN),
        ];
        if !held {
            let listeners = self.parked.iter().map(|parked| PollFd::new(&parked.listener, PollFlags::IN));
            sources.extend(listeners);
        }
        match poll(&mut sources, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if !sources[1].revents().is_empty() {
            self.grip.hush();
        }
        let heard = sources[0].revents();
        Ok(Woken {
            called: heard.contains(PollFlags::IN),
            deserted: heard.intersects(PollFlags::HUP | PollFlags::ERR),
        })
    }

    fn answer(&mut self, call: &Call) {
        let answer = match call.kind {
            Kind::Bind => self.bind(call).unwrap_or(Answer::CarryOn),
            Kind::Listen
            | Kind::Accept
            | Kind::Accept4
            | Kind::Shutdown
            | Kind::Ioctl
            | Kind::Fcntl
            | Kind::Filter => {
                let socket = Caller::new(call.thread).socket(call.descriptor);
                match socket.and_then(|inode| self.owned.known(inode)) {
                    Some(listener) => self.on_ours(call, listener),
                    None => Answer::CarryOn,
                }
            }
            Kind::Other => Answer::CarryOn,
        };
        match answer {
            Answer::CarryOn => self.notifications.carry_on(call),
            Answer::Success => self.notifications.succeed(call),
            Answer::Failure(error) => self.notifications.fail(call, error),
            Answer::None => {}
        }
    }

    /// A `bind`. An error is ours to bear: the program then binds for itself.
    fn bind(&mut self, call: &Call) -> io::Result<Answer> {
        let caller = Caller::new(call.thread);
        let [place, length, _] = call.arguments;
        let Some(address) = caller.address(place, length)?.filter(|address| address.port() != 0) else {
            return Ok(Answer::CarryOn);
        };
        let socket = caller.duplicate(call.descriptor)?;
        if !is_stream(socket.as_fd()) {
            return Ok(Answer::CarryOn);
        }
        let flags = caller.flags(call.descriptor).ok_or(ErrorKind::NotFound)?;
        let tenant = (caller.process().ok_or(ErrorKind::NotFound)?, call.descriptor);
        if !self.notifications.waits(call) {
            return Ok(Answer::None);
        }
        if let Some(listener) = self.owned.at(address) {
            return self.lend(call, &socket, listener, tenant, flags);
        }
        match self.owned.bind(socket.try_clone()?, address) {
            Ok(listener) => {
                self.let_to(listener, tenant, flags);
                Ok(Answer::Success)
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                if let Some(listener) = self.owned.near(address)
                    && !self.tenancies.iter().any(|tenancy| tenancy.listener.address == listener.address)
                {
                    return self.lend(call, &socket, listener, tenant, flags);
                }
                (self.tell)(Heard::Refused { address, by: holder(address) });
                Ok(Answer::Failure(Errno::ADDRINUSE))
            }
            Err(error) => Ok(Errno::from_io_error(&error).map_or(Answer::CarryOn, Answer::Failure)),
        }
    }

    /// Our listener in the place of the program's socket, unless the program itself still has it elsewhere and would
    /// have been refused without us.
    fn lend(
        &mut self,
        call: &Call,
        socket: &OwnedFd,
        listener: Arc<Listener>,
        tenant: (u32, RawFd),
        flags: i32,
    ) -> io::Result<Answer> {
        let shares = socket_reuseport(socket).unwrap_or(false);
        if !shares && self.tenancies.iter().any(|tenancy| tenancy.is_taken(&listener, tenant)) {
            return Ok(Answer::Failure(Errno::ADDRINUSE));
        }
        options::copy(socket.as_fd(), listener.as_fd());
        self.notifications.replace(call, listener.as_fd(), (flags & O_CLOEXEC).cast_unsigned())?;
        self.let_to(listener, tenant, flags);
        Ok(Answer::Success)
    }

    fn let_to(&mut self, listener: Arc<Listener>, tenant: (u32, RawFd), flags: i32) {
        let address = listener.address;
        let waits = flags & O_NONBLOCK == 0;
        let tenancy = self.tenancy(listener);
        tenancy.tenant = Some(tenant);
        tenancy.waits = waits;
        (self.tell)(Heard::Bound(address));
    }

    /// A call on one of our listeners.
    fn on_ours(&mut self, call: &Call, listener: Arc<Listener>) -> Answer {
        let address = listener.address;
        match call.kind {
            Kind::Listen => match listener.listen(int(call.arguments[0])) {
                Ok(()) => {
                    (self.tell)(Heard::Listening(address));
                    Answer::Success
                }
                Err(error) => Errno::from_io_error(&error).map_or(Answer::CarryOn, Answer::Failure),
            },
            Kind::Accept | Kind::Accept4 => self.accept(call, listener),
            Kind::Shutdown => {
                for parked in self.parked.extract_if(.., |parked| parked.listener.address == address) {
                    self.notifications.fail(&parked.call, Errno::INVAL);
                }
                Answer::Success
            }
            Kind::Ioctl => match Caller::new(call.thread).number(call.arguments[1]) {
                Ok(number) => {
                    self.tenancy(listener).waits = number == 0;
                    Answer::Success
                }
                Err(_) => Answer::Failure(Errno::FAULT),
            },
            Kind::Fcntl => {
                self.tenancy(listener).waits = int(call.arguments[1]) & O_NONBLOCK == 0;
                Answer::Success
            }
            // Who leaves may want to let nobody in any more; the socket is its successor's, too.
            Kind::Filter => Answer::Success,
            Kind::Bind | Kind::Other => Answer::CarryOn,
        }
    }

    fn accept(&mut self, call: &Call, listener: Arc<Listener>) -> Answer {
        let address = listener.address;
        let tenancy = self.tenancy(Arc::clone(&listener));
        let waits = tenancy.waits;
        if !tenancy.accepts {
            tenancy.accepts = true;
            (self.tell)(Heard::Accepting(address));
        }
        let parked = Parked { call: *call, listener };
        // A thread waits in one call at a time: an older one was interrupted.
        self.parked.retain(|parked| parked.call.thread != call.thread);
        // Locked until the connection is handed over: whoever has ordered to hold can rely on it.
        let orders = self.grip.orders();
        if !orders.held && parked.serve(&self.notifications) {
            return Answer::None;
        }
        drop(orders);
        if waits {
            self.parked.push(parked);
            return Answer::None;
        }
        Answer::Failure(Errno::AGAIN)
    }

    /// Hands over what waits to those who wait.
    fn serve_parked(&mut self) {
        let notifications = &self.notifications;
        let orders = self.grip.orders();
        if !orders.held {
            self.parked.retain(|parked| !parked.serve(notifications));
        }
    }

    fn tenancy(&mut self, listener: Arc<Listener>) -> &mut Tenancy {
        let known = self.tenancies.iter().position(|tenancy| tenancy.listener.inode() == listener.inode());
        let at = known.unwrap_or_else(|| {
            self.tenancies.push(Tenancy { listener, tenant: None, waits: false, accepts: false });
            self.tenancies.len() - 1
        });
        &mut self.tenancies[at]
    }
}

impl Tenancy {
    /// Whether the child has this listener under another descriptor than `tenant`, still open.
    fn is_taken(&self, listener: &Listener, tenant: (u32, RawFd)) -> bool {
        let open = |(process, descriptor)| socket_behind(process, descriptor) == Some(listener.inode());
        self.listener.inode() == listener.inode()
            && self.tenant.is_some_and(|other| other != tenant && open(other))
    }
}
