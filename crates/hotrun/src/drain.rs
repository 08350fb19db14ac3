//! How an old server leaves: it takes nothing new, finishes what it has, is told to stop, is killed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::lend::Lending;
use crate::plan;
use crate::proxy::UnderWay;
use crate::{quiet, reaper};

/// What was accepted a moment ago has not asked yet: so long is it waited for before a program dies of the signal.
const LEAST: Duration = Duration::from_millis(250);
/// The same where the program handles the signal, and only might forget what it has accepted.
const LEAST_HANDLED: Duration = Duration::from_millis(20);
/// A program that handles the signal is told at last after this: it can finish by itself what it is about.
const READS: Duration = Duration::from_millis(250);
/// When others wait for the end, no more than this.
const HURRY: Duration = Duration::from_secs(1);
/// Nobody tells when a connection of another process closes.
const LOOK: Duration = Duration::from_millis(5);

/// What is known of the one that leaves.
#[derive(Clone, Debug)]
pub(crate) struct Leaver {
    pub(crate) group: u32,
    /// Where it accepts, on sockets of ours.
    pub(crate) addresses: Vec<SocketAddr>,
    /// It was behind the proxy, where nobody sends it anything new any more.
    pub(crate) proxied: Option<(SocketAddr, UnderWay)>,
    /// It speaks systemd's protocol, so it knows how to drain.
    pub(crate) informed: bool,
    pub(crate) lending: Option<Arc<Lending>>,
    pub(crate) stop: plan::Stop,
}

/// What a drain could not save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Connections on which an answer was owed when a program without a handler was told to stop.
    pub(crate) connections: usize,
}

/// A server that leaves. Dropping it leaves the server to itself.
#[derive(Debug)]
pub(crate) struct Drain {
    orders: Sender<Order>,
}

#[derive(Debug)]
enum Order {
    Return(Sender<bool>),
    Hurry,
    Now,
}

impl Drain {
    /// Begins; `signalled` is called on another thread when the server is told to stop.
    pub(crate) fn begin(leaver: Leaver, signalled: impl FnOnce(Cut) + Send + 'static) -> Drain {
        Drain::run(leaver, true, signalled)
    }

    /// Tells the server to stop at once, and kills it in time.
    pub(crate) fn stop(leaver: Leaver, signalled: impl FnOnce(Cut) + Send + 'static) -> Drain {
        Drain::run(leaver, false, signalled)
    }

    fn run(leaver: Leaver, patient: bool, signalled: impl FnOnce(Cut) + Send + 'static) -> Drain {
        let (orders, received) = mpsc::channel();
        thread::spawn(move || {
            if patient && !wait(&leaver, &received) {
                return;
            }
            let signal = match leaver.stop.signal {
                plan::Signal::Term => libc::SIGTERM,
                plan::Signal::Int => libc::SIGINT,
            };
            let busy = || quiet::traffic(leaver.group, &leaver.addresses).busy;
            let cut = if patient && !quiet::catches(leaver.group, signal) { busy() } else { 0 };
            signalled(Cut { connections: cut });
            reaper::signal(leaver.group, signal);
            linger(&leaver, &received);
        });
        Drain { orders }
    }

    /// Calls the server back; `false` if it was told to stop already.
    pub(crate) fn call_back(&self) -> bool {
        let (answer, answered) = mpsc::channel();
        self.orders.send(Order::Return(answer)).is_ok() && answered.recv() == Ok(true)
    }

    /// Others wait for the end.
    pub(crate) fn hurry(&self) {
        let _ = self.orders.send(Order::Hurry);
    }

    /// Stop waiting for connections.
    pub(crate) fn now(&self) {
        let _ = self.orders.send(Order::Now);
    }
}

/// Waits until the server can be told to stop; `false` if it was called back, or is not to be followed any more.
fn wait(leaver: &Leaver, orders: &Receiver<Order>) -> bool {
    if let Some(lending) = &leaver.lending {
        lending.hold();
    } else if leaver.proxied.is_none() {
        return true;
    }
    if leaver.informed {
        return true;
    }
    let catches = quiet::catches(leaver.group, libc::SIGTERM);
    let began = Instant::now();
    let (least, most) = if catches { (LEAST_HANDLED, READS) } else { (LEAST, leaver.stop.drain.max(LEAST)) };
    let mut end = began + most;
    loop {
        let traffic = quiet::traffic(leaver.group, &leaver.addresses);
        let coming = leaver.proxied.as_ref().map_or(0, |(target, under_way)| under_way.count(*target));
        let done = traffic.busy + coming == 0 && began.elapsed() >= least;
        if done || Instant::now() >= end {
            return true;
        }
        match orders.recv_timeout(LOOK) {
            Ok(Order::Return(answer)) => {
                leaver.lending.iter().for_each(|lending| lending.release());
                let _ = answer.send(true);
                return false;
            }
            Ok(Order::Hurry) => end = end.min(Instant::now() + HURRY),
            Ok(Order::Now) => return true,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}

/// Kills the server if it takes too long to stop. Ends when the server did and the drain was dropped.
fn linger(leaver: &Leaver, orders: &Receiver<Order>) {
    let mut end = Instant::now() + leaver.stop.kill_delay;
    loop {
        match orders.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(Order::Return(answer)) => drop(answer.send(false)),
            Ok(Order::Hurry) => end = end.min(Instant::now() + HURRY),
            Ok(Order::Now) => {}
            Err(RecvTimeoutError::Timeout) => {
                reaper::signal(leaver.group, libc::SIGKILL);
                return;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
