//! The next thing for the main loop to do.

use std::future::{pending, poll_fn};
use std::io;
use std::task::Poll;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::MainLoop;
use crate::attempt::Progress;
use crate::control_socket::{ControlSocket, Requester};
use crate::handle::Request;
use crate::predecessor::PredecessorWatch;
use crate::server_thread::ServerThread;
use crate::signals::Signal;
use crate::stage::Outcome;

/// The events of the loop.
pub(super) enum Wake {
    Opened(ServerThread),
    Signal(Signal),
    Request(Request),
    Asked(Requester),
    Judged(bool),
    Upgrade(Progress),
    ServeAgain,
    Reloaded,
    Ended(usize, io::Result<Outcome>),
}

impl MainLoop {
    /// Waits for the next thing to do. Cancelling it loses nothing.
    pub(super) async fn wake(&mut self) -> Wake {
        tokio::select! {
            biased;
            Some(thread) = self.opened.recv() => Wake::Opened(thread),
            signal = self.signals.next() => Wake::Signal(signal),
            Some(request) = self.requests.recv() => Wake::Request(request),
            requester = next_requester(self.control.as_mut()) => Wake::Asked(requester),
            passed = judged(self.predecessor.as_mut()) => Wake::Judged(passed),
            progress = self.attempt.step.next() => Wake::Upgrade(progress),
            () = at(self.serve_again_at) => Wake::ServeAgain,
            () = reloaded(self.reload.as_mut()) => Wake::Reloaded,
            (index, ended) = first_to_end(&mut self.active) => Wake::Ended(index, ended),
        }
    }
}

async fn next_requester(control: Option<&mut ControlSocket>) -> Requester {
    match control {
        Some(control) => control.next().await,
        None => pending().await,
    }
}

async fn judged(predecessor: Option<&mut PredecessorWatch>) -> bool {
    match predecessor {
        Some(predecessor) => predecessor.passed().await,
        None => pending().await,
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

async fn reloaded(reload: Option<&mut JoinHandle<()>>) {
    match reload {
        // A reload that panicked is over.
        Some(reload) => drop(reload.await),
        None => pending().await,
    }
}

/// The first listener to end, by its index, and how that went.
async fn first_to_end(active: &mut [ServerThread]) -> (usize, io::Result<Outcome>) {
    let mut ends: Vec<_> = active.iter_mut().map(|thread| Box::pin(thread.drained())).collect();
    poll_fn(|context| {
        for (index, end) in ends.iter_mut().enumerate() {
            if let Poll::Ready(ended) = end.as_mut().poll(context) {
                return Poll::Ready((index, ended));
            }
        }
        Poll::Pending
    })
    .await
}
