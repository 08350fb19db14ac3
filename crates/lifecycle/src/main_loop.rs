//! The main loop of a server: signals, requests, listeners, the upgrade. Nothing here blocks, so that a second `SIGTERM` is
//! answered at once whatever else is under way.

mod upgrading;
mod wake;

use std::io;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use self::wake::Wake;
use crate::attempt::Attempt;
use crate::control_socket::{ControlSocket, Requester};
use crate::fault;
use crate::handle::Request;
use crate::hooks::Hooks;
use crate::jobs::Jobs;
use crate::listeners::{Listeners, Moves};
use crate::notify;
use crate::pid_file::PidFile;
use crate::predecessor::PredecessorWatch;
use crate::process_stats;
use crate::server_thread::ServerThread;
use crate::signals::{Hangup, Signal, Signals};
use crate::socket::Socket;
use crate::stage::Outcome;
use crate::upgrade::{Action, Event, State};
use crate::upgrade_error::UpgradeError;

/// The parts of a main loop.
pub(crate) struct Parts {
    pub(crate) listeners: Arc<Listeners>,
    /// Receives every listener that begins to accept.
    pub(crate) opened: mpsc::UnboundedReceiver<ServerThread>,
    pub(crate) requests: mpsc::UnboundedReceiver<Request>,
    pub(crate) signals: Signals,
    pub(crate) control: Option<ControlSocket>,
    pub(crate) predecessor: Option<PredecessorWatch>,
    pub(crate) pid_file: Option<PidFile>,
    pub(crate) hooks: Hooks,
}

/// Runs a server until nothing is served any more.
pub(crate) struct MainLoop {
    listeners: Arc<Listeners>,
    opened: mpsc::UnboundedReceiver<ServerThread>,
    requests: mpsc::UnboundedReceiver<Request>,
    signals: Signals,
    control: Option<ControlSocket>,
    predecessor: Option<PredecessorWatch>,
    pid_file: Option<Arc<PidFile>>,
    hooks: Hooks,
    /// The listeners that accept or drain, the newest last.
    active: Vec<ServerThread>,
    outcome: Outcome,
    state: State,
    forced: bool,
    attempt: Attempt,
    /// Keeps the queue of the listener that was handed over, for the case that this process has to serve again.
    spare: Option<Socket>,
    /// When that is tried once more.
    serve_again_at: Option<Instant>,
    /// The processes that ask for an upgrade now.
    asking: Option<Requester>,
    /// The processes that wait for the outcome of the upgrade.
    requesters: Vec<Requester>,
    reload: Option<JoinHandle<()>>,
    reload_again: bool,
    jobs: Jobs,
}

impl MainLoop {
    /// Must be called on a tokio runtime.
    pub(crate) fn new(parts: Parts) -> MainLoop {
        let Parts { listeners, opened, requests, signals, control, mut predecessor, pid_file, hooks } = parts;
        if let Some(predecessor) = &mut predecessor {
            predecessor.serving();
        }
        MainLoop {
            listeners,
            opened,
            requests,
            signals,
            control,
            predecessor,
            pid_file: pid_file.map(Arc::new),
            hooks,
            active: Vec::new(),
            outcome: Outcome::Clean,
            state: State::SERVING,
            forced: false,
            attempt: Attempt::none(),
            spare: None,
            serve_again_at: None,
            asking: None,
            requesters: Vec::new(),
            reload: None,
            reload_again: false,
            jobs: Jobs::default(),
        }
    }

    /// Runs until nothing is served any more. An error says that the newest listener ended by itself.
    pub(crate) async fn run(mut self) -> io::Result<Outcome> {
        self.allow_moves();
        let ended = loop {
            let wake = self.wake().await;
            if let Err(error) = self.handle(wake) {
                break Err(error);
            }
            let idle = self.active.is_empty() && self.opened.is_empty() && self.serve_again_at.is_none();
            if idle && (self.forced || !self.state.must_live()) {
                break Ok(self.outcome);
            }
        };
        self.listeners.close();
        self.attempt.give_up();
        self.answer(Err(&UpgradeError::Busy(
            "the server was stopped before the upgrade was over".to_owned(),
        )));
        if !self.forced {
            self.jobs.finish().await;
        }
        ended
    }

    fn handle(&mut self, wake: Wake) -> io::Result<()> {
        match wake {
            Wake::Opened(thread) => self.opened(thread),
            Wake::Signal(Signal::Terminate | Signal::Interrupt) | Wake::Request(Request::Drain) => {
                self.stop();
            }
            Wake::Signal(Signal::Hangup) => match self.signals.hangup_means() {
                Hangup::Stop => self.stop(),
                Hangup::Reload => self.reload(),
            },
            Wake::Signal(Signal::Upgrade) => self.upgrade(None),
            Wake::Request(Request::Upgrade(requester)) | Wake::Asked(requester) => {
                self.upgrade(Some(requester));
            }
            Wake::Judged(passed) => {
                self.predecessor = None;
                if passed {
                    process_stats::upgrade_ended(None);
                } else {
                    tracing::warn!("the predecessor is gone before the probation is over");
                }
            }
            Wake::Upgrade(progress) => self.progressed(progress),
            Wake::ServeAgain => self.serve_again(),
            Wake::Reloaded => self.reloaded(),
            Wake::Ended(index, ended) => return self.ended(index, ended),
        }
        Ok(())
    }

    fn event(&mut self, event: Event) {
        let (state, actions) = self.state.on(event);
        self.state = state;
        for action in actions {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Start => self.start(),
            Action::Refuse(why) => self.refuse(why),
            Action::Permit => self.attempt.permit(),
            Action::HandOver => self.hand_over(),
            Action::Release(why) => self.release(why),
            Action::Abandon => {
                self.attempt.give_up();
                self.attempt = Attempt::none();
                self.answer(Err(&UpgradeError::Busy("the server was asked to stop".to_owned())));
            }
            Action::ServeAgain => self.serve_again(),
            Action::ReportFailure => self.report_failure(),
            Action::Drain => self.drain(),
            Action::Force => {
                self.forced = true;
                self.serve_again_at = None;
                for thread in &self.active {
                    thread.drain().force();
                }
            }
        }
    }

    /// Drains; the second time it ends the process.
    fn stop(&mut self) {
        if let Some(predecessor) = self.predecessor.take() {
            predecessor.stopping();
        }
        self.event(Event::Stop);
    }

    fn drain(&mut self) {
        self.listeners.set_moves(Moves::Over);
        self.serve_again_at = None;
        self.jobs.add(notify::stopping);
        if let Some(thread) = self.active.last() {
            self.leave(thread);
        }
        tracing::info!("draining {} connections", process_stats::connections());
    }

    /// A listener began to accept. Those before it are left.
    fn opened(&mut self, thread: ServerThread) {
        if let Some(previous) = self.active.last() {
            self.leave(previous);
            let address = thread.address();
            tracing::info!("serves http://{address}/ from now on");
            self.jobs.add(move || notify::status(&format!("serves http://{address}/")));
        }
        if self.state.stopping {
            self.leave(&thread);
        }
        self.active.push(thread);
    }

    /// Drains a listener, and gives its socket up as soon as it accepts no more.
    fn leave(&self, thread: &ServerThread) {
        thread.drain().begin();
        let (drain, listeners) = (thread.drain().clone(), Arc::clone(&self.listeners));
        tokio::spawn(async move {
            drain.last_call().await;
            listeners.release();
        });
    }

    fn ended(&mut self, index: usize, ended: io::Result<Outcome>) -> io::Result<()> {
        let newest = index + 1 == self.active.len();
        self.active.remove(index);
        match ended {
            Ok(ended) => self.outcome = self.outcome.and(ended),
            Err(error) if newest && self.state.is_in_charge() => return Err(error),
            Err(error) => tracing::error!("a listener that was drained ended: {error}"),
        }
        if self.active.is_empty() && self.state.must_live() {
            fault::strike("old.drained");
        }
        Ok(())
    }

    fn reload(&mut self) {
        if self.reload.is_some() {
            self.reload_again = true;
            return;
        }
        if self.state.is_in_charge() {
            self.jobs.add(notify::reloading);
        }
        self.reload = Some(tokio::spawn((self.hooks.reload)()));
    }

    fn reloaded(&mut self) {
        self.reload = None;
        if self.state.is_in_charge() {
            self.jobs.add(notify::ready);
        }
        if std::mem::take(&mut self.reload_again) {
            self.reload();
        }
    }

    fn answer(&mut self, outcome: Result<&str, &UpgradeError>) {
        for requester in self.requesters.drain(..) {
            requester.answer(outcome);
        }
    }
}
