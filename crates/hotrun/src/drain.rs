//! Ends an old server: keeps new connections from it, waits for its requests, tells it to stop, kills it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use intercept::{Address, Interceptor};
use process_tree::ProcessTree;

use crate::idle::{self, Owed};
use crate::job;
use crate::plan;
use crate::proxy::UnderWay;

/// Least time before the signal, for a program that dies of it. A connection that was accepted a moment ago has sent no request
/// yet.
const LEAST: Duration = Duration::from_millis(250);
/// The same for a program that handles the signal, and may forget a connection that it has only just accepted.
const LEAST_HANDLED: Duration = Duration::from_millis(20);
/// The longest wait for a program that handles the signal: it finishes its requests by itself.
const MOST_HANDLED: Duration = Duration::from_millis(250);
/// Between two looks at the connections: no event tells when one of another process closes.
const LOOK: Duration = Duration::from_millis(5);
/// Between two looks at the connections of a server that is kept.
const LOOK_KEPT: Duration = Duration::from_millis(25);

/// The server that leaves.
#[derive(Clone, Debug)]
pub(crate) struct Leaver {
    pub(crate) tree: ProcessTree,
    /// The addresses at which it accepts, on hotrun's sockets.
    pub(crate) addresses: Vec<Address>,
    /// It is behind the proxy, which sends it nothing new any more.
    pub(crate) proxied: Option<(SocketAddr, UnderWay)>,
    /// It speaks systemd's protocol, so it drains by itself.
    pub(crate) drains_itself: bool,
    pub(crate) interceptor: Option<Arc<Interceptor>>,
    /// Set before it is told to stop.
    pub(crate) told: Arc<AtomicBool>,
    pub(crate) stop: plan::Stop,
}

/// A report of a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The server was told to stop, with these answers owed.
    Signalled(Owed),
    /// It had not ended in time and is killed; so many connections had an answer owed.
    Overdue(usize),
}

/// A server that leaves. Dropping it leaves the server as it is.
#[derive(Debug)]
pub(crate) struct Drain {
    orders: Sender<Order>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Keep,
    Wait,
    Stop,
}

#[derive(Debug)]
enum Order {
    Leave,
    Return(Sender<bool>),
    Now,
}

impl Drain {
    /// Keeps the server without new connections until it is called back or is to leave. `tell` is called on another thread.
    pub(crate) fn keep(leaver: Leaver, tell: impl Fn(Progress) + Send + 'static) -> Drain {
        Drain::run(leaver, Stage::Keep, tell)
    }

    /// Waits for the server's requests, then tells it to stop.
    pub(crate) fn begin(leaver: Leaver, tell: impl Fn(Progress) + Send + 'static) -> Drain {
        Drain::run(leaver, Stage::Wait, tell)
    }

    /// Tells the server to stop at once.
    pub(crate) fn stop(leaver: Leaver, tell: impl Fn(Progress) + Send + 'static) -> Drain {
        Drain::run(leaver, Stage::Stop, tell)
    }

    fn run(leaver: Leaver, mut stage: Stage, tell: impl Fn(Progress) + Send + 'static) -> Drain {
        // Before the thread starts: on a loaded machine that takes a while, and the old server would accept meanwhile.
        if stage != Stage::Stop
            && let Some(interceptor) = &leaver.interceptor
        {
            interceptor.hold();
        }
        let (orders, received) = mpsc::channel();
        let started = job::start("drain", (leaver, tell), move |(leaver, tell)| {
            let patient = stage != Stage::Stop;
            if stage == Stage::Keep {
                let Some(next) = keep(&leaver, &received) else { return };
                stage = next;
            }
            if stage == Stage::Wait && !wait(&leaver, &received) {
                return;
            }
            let signal = leaver.stop.signal.number();
            let owed =
                if patient { idle::owed(leaver.tree, &leaver.addresses, signal) } else { Owed::default() };
            leaver.told.store(true, Ordering::SeqCst);
            tell(Progress::Signalled(owed));
            stop(&leaver, signal, &received, &tell);
        });
        // Without a thread hotrun can wait neither for connections nor for the end.
        if let Err((_, Some((leaver, tell)))) = started {
            leaver.told.store(true, Ordering::SeqCst);
            tell(Progress::Signalled(Owed::default()));
            leaver.tree.signal(leaver.stop.signal.number(), |_| true);
        }
        Drain { orders }
    }

    /// Ends the keeping; a server that leaves already goes on doing so.
    pub(crate) fn leave(&self) {
        let _ = self.orders.send(Order::Leave);
    }

    /// Calls the server back; `false` if it was told to stop already.
    pub(crate) fn call_back(&self) -> bool {
        let (answer, answered) = mpsc::channel();
        self.orders.send(Order::Return(answer)).is_ok() && answered.recv() == Ok(true)
    }

    /// Ends the waiting for connections.
    pub(crate) fn now(&self) {
        let _ = self.orders.send(Order::Now);
    }
}

/// Keeps new connections from the server until there is an order. Its idle connections are closed meanwhile: clients that
/// keep theirs would not see the new server. Gives what follows, or nothing if the server was called back.
fn keep(leaver: &Leaver, orders: &Receiver<Order>) -> Option<Stage> {
    loop {
        if leaver.proxied.is_none() {
            idle::close_idle(leaver.tree, &leaver.addresses);
        }
        match orders.recv_timeout(LOOK_KEPT) {
            Ok(Order::Leave) => return Some(Stage::Wait),
            Ok(Order::Now) => return Some(Stage::Stop),
            Ok(Order::Return(answer)) => {
                call_back(leaver, &answer);
                return None;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

/// Waits until the server can be told to stop; `false` if it was called back, or is not to be followed any more.
fn wait(leaver: &Leaver, orders: &Receiver<Order>) -> bool {
    if leaver.drains_itself || (leaver.interceptor.is_none() && leaver.proxied.is_none()) {
        return true;
    }
    let handled = idle::is_handled(leaver.tree, leaver.stop.signal.number());
    let (least, most) =
        if handled { (LEAST_HANDLED, MOST_HANDLED) } else { (LEAST, leaver.stop.drain.max(LEAST)) };
    let began = Instant::now();
    loop {
        let busy = idle::traffic(leaver.tree, &leaver.addresses).busy;
        let coming = leaver.proxied.as_ref().map_or(0, |(target, under_way)| under_way.count(*target));
        let waited = began.elapsed();
        if waited >= most || (busy + coming == 0 && waited >= least) {
            return true;
        }
        match orders.recv_timeout(LOOK) {
            Ok(Order::Leave) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Order::Now) => return true,
            Ok(Order::Return(answer)) => {
                call_back(leaver, &answer);
                return false;
            }
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}

fn call_back(leaver: &Leaver, answer: &Sender<bool>) {
    if let Some(interceptor) = &leaver.interceptor {
        interceptor.release();
    }
    let _ = answer.send(true);
}

/// Sends the signal, and kills the server if it takes too long to stop. Ends when the server did and the drain was dropped.
fn stop(leaver: &Leaver, signal: i32, orders: &Receiver<Order>, tell: &impl Fn(Progress)) {
    let end = Instant::now() + leaver.stop.kill_delay;
    // A launcher (`make run`, a script with a trap) passes the signal on, and a server may take the second one for an order to end at once.
    let servers = idle::servers(leaver.tree, &leaver.addresses);
    let mut launchers = leaver.tree.ancestors_of(&servers);
    launchers.retain(|launcher| idle::has_handler(*launcher, signal));
    leaver.tree.signal(signal, |process| !launchers.contains(&process));
    loop {
        if !launchers.is_empty() {
            let living = leaver.tree.members();
            if !servers.iter().any(|server| living.contains(server)) {
                leaver.tree.signal(signal, |process| launchers.contains(&process));
                launchers.clear();
            }
        }
        let left = end.saturating_duration_since(Instant::now());
        match orders.recv_timeout(if launchers.is_empty() { left } else { left.min(LOOK) }) {
            Ok(Order::Return(answer)) => drop(answer.send(false)),
            Ok(Order::Leave | Order::Now) => {}
            Err(RecvTimeoutError::Timeout) if Instant::now() < end => {}
            Err(RecvTimeoutError::Timeout) => {
                tell(Progress::Overdue(idle::traffic(leaver.tree, &leaver.addresses).busy));
                leaver.tree.signal(libc::SIGKILL, |_| true);
                return;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
