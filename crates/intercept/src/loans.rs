//! Our listeners that the program uses.

use std::os::fd::RawFd;
use std::sync::Arc;

use crate::address::Address;
use crate::listener::Listener;
use crate::tracee::socket_behind;

/// Our listeners that the program uses.
#[derive(Default)]
pub(crate) struct Loans(Vec<Loan>);

/// One of our listeners that the program uses.
pub(crate) struct Loan {
    listener: Arc<Listener>,
    /// The process and its descriptor; `None` for a listener that the program inherited.
    borrower: Option<(u32, RawFd)>,
    /// The program has set the socket to blocking.
    pub(crate) is_blocking: bool,
    pub(crate) accepts: bool,
    /// The number of calls of `accept` that found a connection at once.
    pub(crate) found: usize,
    /// A call of `accept` had to wait for a connection.
    pub(crate) has_waited: bool,
}

/// The least number of calls of `accept` that show a program which polls: it finds a connection in each of them.
const LEAST_FOUND: usize = 2;

impl Loans {
    /// The loan of this listener. Adds one if there is none.
    pub(crate) fn of(&mut self, listener: Arc<Listener>) -> &mut Loan {
        let known = self.0.iter().position(|loan| loan.listener.inode() == listener.inode());
        let at = known.unwrap_or_else(|| {
            self.0.push(Loan {
                listener,
                borrower: None,
                is_blocking: false,
                accepts: false,
                found: 0,
                has_waited: false,
            });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    /// True if the program uses a listener at this address.
    pub(crate) fn has(&self, address: &Address) -> bool {
        self.0.iter().any(|loan| loan.listener.address == *address)
    }

    /// True if the program has this listener open under another descriptor than `borrower`.
    pub(crate) fn are_open_elsewhere(&self, listener: &Listener, borrower: (u32, RawFd)) -> bool {
        let inode = listener.inode();
        let is_open = |(process, descriptor)| socket_behind(process, descriptor) == Some(inode);
        let others = self.0.iter().filter(|loan| loan.listener.inode() == inode);
        others.filter_map(|loan| loan.borrower).any(|other| other != borrower && is_open(other))
    }
}

impl Loan {
    /// Records that the program has the listener under this descriptor.
    pub(crate) fn lend_to(&mut self, borrower: (u32, RawFd), is_blocking: bool) {
        self.borrower = Some(borrower);
        self.is_blocking = is_blocking;
    }

    /// True if the program polls this listener before it calls `accept`, although the socket blocks, as Python's `http.server` does. During
    /// a hold it polls the connections of its successor. If such a call waited, the program could neither serve its other connections nor end.
    pub(crate) fn is_polled(&self) -> bool {
        self.found >= LEAST_FOUND && !self.has_waited
    }
}
