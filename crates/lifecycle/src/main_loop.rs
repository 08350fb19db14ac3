//! The main loop of a server: signals, requests, listeners, the upgrade. Nothing here blocks, so that a second `SIGTERM` is
//! answered at once whatever else is under way.

use std::future::{pending, poll_fn};
use std::io;
use std::process;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until};

use crate::control_socket::{ControlSocket, Requester};
use crate::fault;
use crate::figures;
use crate::inherited::executable;
use crate::jobs::Jobs;
use crate::lane::Lane;
use crate::listeners::{Listeners, Moves};
use crate::notify;
use crate::pid_file::PidFile;
use crate::predecessor::PredecessorWatch;
use crate::server::{Hooks, Request};
use crate::signals::{Hangup, Signal, Signals};
use crate::socket::Socket;
use crate::stage::Outcome;
use crate::successor::{Start, Successor};
use crate::successor_channel::{Loss, Message};
use crate::upgrade::{Action, Event, Refusal, Release, State};
use crate::upgrade_error::UpgradeError;

/// When a listener that could not be made for the lack of a thread or descriptor is tried again.
const RETRY: Duration = Duration::from_millis(50);

/// What a main loop is made of.
pub(crate) struct Parts {
    pub(crate) listeners: Arc<Listeners>,
    /// Receives every listener that begins to accept.
    pub(crate) opened: mpsc::UnboundedReceiver<Lane>,
    pub(crate) requests: mpsc::UnboundedReceiver<Request>,
    pub(crate) signals: Signals,
    pub(crate) predecessor: Option<PredecessorWatch>,
    pub(crate) pid_file: Option<PidFile>,
    pub(crate) hooks: Hooks,
}

/// Runs a server until nothing is served any more.
pub(crate) struct MainLoop {
    listeners: Arc<Listeners>,
    opened: mpsc::UnboundedReceiver<Lane>,
    requests: mpsc::UnboundedReceiver<Request>,
    signals: Signals,
    control: Option<ControlSocket>,
    predecessor: Option<PredecessorWatch>,
    pid_file: Option<Arc<PidFile>>,
    hooks: Hooks,
    /// The listeners that accept or drain, the newest last.
    active: Vec<Lane>,
    outcome: Outcome,
    state: State,
    forced: bool,
    attempt: Attempt,
    /// Keeps the queue of the listener that was handed over, for the case that this process has to serve again.
    spare: Option<Socket>,
    /// When that is tried once more.
    serve_again_at: Option<Instant>,
    /// Who waits for the outcome of the upgrade.
    requesters: Vec<Requester>,
    reload: Option<JoinHandle<()>>,
    reload_again: bool,
    jobs: Jobs,
}

/// An upgrade under way.
struct Attempt {
    began: Instant,
    step: Step,
    /// The process id of the successor, from its start on.
    pid: Option<u32>,
    failure: Option<UpgradeError>,
}

enum Step {
    None,
    Starting(Start),
    Running(Box<Successor>),
    Ending(JoinHandle<UpgradeError>),
}

/// What an upgrade under way comes to next.
enum Progress {
    Started(Result<Box<Successor>, UpgradeError>),
    Said(Message),
    Ended(UpgradeError),
}

/// What the loop wakes up for.
enum Wake {
    Opened(Lane),
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
    /// Must be called on a tokio runtime.
    pub(crate) fn new(parts: Parts) -> MainLoop {
        let Parts { listeners, opened, requests, signals, mut predecessor, pid_file, hooks } = parts;
        if let Some(predecessor) = &mut predecessor {
            predecessor.serving();
        }
        let control = ControlSocket::listen()
            .inspect_err(|error| tracing::warn!("`--upgrade` will not reach this process: {error}"));
        MainLoop {
            listeners,
            opened,
            requests,
            signals,
            control: control.ok(),
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
        self.answer(Err("the server was stopped before the upgrade was over"));
        if !self.forced {
            self.jobs.finish().await;
        }
        ended
    }

    /// Waits for the next thing to do. Cancelling it loses nothing.
    async fn wake(&mut self) -> Wake {
        tokio::select! {
            biased;
            Some(lane) = self.opened.recv() => Wake::Opened(lane),
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

    fn handle(&mut self, wake: Wake) -> io::Result<()> {
        match wake {
            Wake::Opened(lane) => self.opened(lane),
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
                    figures::upgraded(None);
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
            // Who asked is answered where the request came in.
            Action::Refuse(_) => {}
            Action::Permit => {
                if let Step::Running(successor) = &mut self.attempt.step {
                    successor.permit();
                }
            }
            Action::HandOver => self.hand_over(),
            Action::Release(why) => self.release(why),
            Action::Abandon => {
                self.attempt.give_up();
                self.attempt = Attempt::none();
                self.answer(Err("the server was asked to stop"));
            }
            Action::ServeAgain => self.serve_again(),
            Action::ReportFailure => self.report_failure(),
            Action::Drain => self.drain(),
            Action::Force => {
                self.forced = true;
                self.serve_again_at = None;
                for lane in &self.active {
                    lane.drain().force();
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
        if let Some(lane) = self.active.last() {
            self.leave(lane);
        }
        tracing::info!("draining {} connections", figures::connections());
    }

    /// The server is asked for an upgrade; `requester` waits for the outcome.
    fn upgrade(&mut self, requester: Option<Requester>) {
        let (_, actions) = self.state.on(Event::Requested);
        if let Some(Action::Refuse(why)) = actions.first() {
            let refused = self.refused(*why);
            figures::upgraded(Some(&refused));
            tracing::warn!("no upgrade: {refused}");
            if let Some(requester) = requester {
                requester.answer(Err(&refused.to_string()));
            }
            return;
        }
        self.requesters.extend(requester);
        self.event(Event::Requested);
    }

    fn refused(&self, why: Refusal) -> UpgradeError {
        UpgradeError::Busy(match (why, self.attempt.pid) {
            (Refusal::UnderWay, _) => {
                "an upgrade is under way already: its successor does not serve yet".to_owned()
            }
            (Refusal::HandedOver, Some(pid)) => {
                format!("this process has handed over to process {pid}: ask that one")
            }
            (Refusal::HandedOver, None) => "this process has handed over to another one".to_owned(),
            (Refusal::Stopping, _) => "the server is stopping".to_owned(),
        })
    }

    fn start(&mut self) {
        self.listeners.set_moves(Moves::Deferred);
        match self.successor_to_be() {
            Ok((start, spare)) => {
                self.attempt = Attempt { step: Step::Starting(start), ..Attempt::none() };
                self.spare = Some(spare);
            }
            Err(error) => {
                self.attempt = Attempt { failure: Some(error), ..Attempt::none() };
                self.event(Event::Failed);
            }
        }
    }

    /// Starts the program that is at this process's path now.
    fn successor_to_be(&self) -> Result<(Start, Socket), UpgradeError> {
        let path = executable()
            .map_err(|error| UpgradeError::Missing(format!("the program's path is not known: {error}")))?;
        let sockets = self.listeners.newest().zip(self.listeners.newest());
        let (socket, spare) = sockets.ok_or_else(|| {
            UpgradeError::Unstartable("there is no socket, or no descriptor, to hand over".to_owned())
        })?;
        tracing::info!("upgrading: starting the program at `{}`", path.display());
        let rules = (self.hooks.rules)();
        Ok((Start::new(path.to_owned(), rules, socket, self.hooks.probation), spare))
    }

    fn progressed(&mut self, progress: Progress) {
        match progress {
            Progress::Started(Ok(successor)) => {
                self.attempt.pid = Some(successor.pid());
                self.attempt.step = Step::Running(successor);
            }
            Progress::Started(Err(error)) | Progress::Ended(error) => {
                self.attempt.step = Step::None;
                self.attempt.failure = Some(error);
                self.event(Event::Failed);
            }
            Progress::Said(Message::Ready) => self.event(Event::Ready),
            Progress::Said(Message::Serving) => self.event(Event::Serving),
            Progress::Said(Message::Released(why)) => self.event(Event::Released(why)),
            Progress::Said(Message::Lost(loss)) => {
                self.end_successor(loss);
                self.event(Event::Lost);
            }
        }
    }

    /// Ends a successor that failed, away from this loop: nobody knows how long the system takes for that.
    fn end_successor(&mut self, loss: Loss) {
        let step = std::mem::replace(&mut self.attempt.step, Step::None);
        if let Step::Running(successor) = step {
            self.attempt.step = Step::Ending(tokio::spawn(successor.end(loss)));
        }
    }

    /// The successor accepts. This process leaves the listener to it, and tells the supervisor who serves now.
    fn hand_over(&mut self) {
        if let Some(predecessor) = self.predecessor.take() {
            predecessor.upgrading();
        }
        if let Some(pid) = self.attempt.pid {
            tracing::info!("process {pid} took over after {} ms", self.attempt.began.elapsed().as_millis());
            // The successor has written the process file before it said that it serves.
            self.jobs.add(move || notify::main_pid(pid));
        }
        if let Some(lane) = self.active.last() {
            lane.drain().share();
            self.leave(lane);
        }
        fault::strike("old.draining");
    }

    /// The successor is gone and left its queue. This process accepts on it again.
    fn serve_again(&mut self) {
        self.serve_again_at = None;
        let Some(spare) = &self.spare else { return };
        let prepared = spare.try_clone().and_then(|socket| self.listeners.prepare(socket));
        match prepared {
            Ok(prepared) => self.listeners.open(prepared),
            Err(error) => {
                tracing::error!("cannot serve again yet: {error}");
                self.serve_again_at = Some(Instant::now() + RETRY);
                return;
            }
        }
        self.reclaim_the_process_file(self.attempt.pid);
        let pid = process::id();
        self.jobs.add(move || notify::main_pid(pid));
    }

    fn release(&mut self, why: Release) {
        self.listeners.set_moves(Moves::Over);
        let step = std::mem::replace(&mut self.attempt.step, Step::None);
        self.spare = None;
        let Step::Running(successor) = step else { return };
        let pid = successor.pid();
        let outcome = match why {
            Release::ProbationOver => format!("process {pid} serves, the probation is over"),
            Release::PredecessorStops => format!("process {pid} serves, its predecessor was asked to stop"),
            Release::SuccessorStops => format!("process {pid} took over and was asked to stop"),
            Release::SuccessorUpgrades => format!("process {pid} took over and has upgraded itself"),
        };
        tracing::info!("upgraded: {outcome}");
        self.answer(Ok(&outcome));
        successor.release();
    }

    fn report_failure(&mut self) {
        let attempt = std::mem::replace(&mut self.attempt, Attempt::none());
        if let Some(error) = &attempt.failure {
            figures::upgraded(Some(error));
            if self.state.stopping {
                tracing::error!("no upgrade: {error}");
            } else {
                tracing::error!("no upgrade, this process serves on: {error}");
            }
            self.answer(Err(&error.to_string()));
        }
        if self.serve_again_at.is_none() {
            self.spare = None;
        }
        // A successor that is gone may have written its id there.
        self.reclaim_the_process_file(attempt.pid);
        if !self.state.stopping {
            self.allow_moves();
        }
    }

    fn allow_moves(&self) {
        self.listeners.set_moves(Moves::Allowed);
        let listeners = Arc::clone(&self.listeners);
        spawn_blocking(move || listeners.catch_up());
    }

    fn reclaim_the_process_file(&mut self, successor: Option<u32>) {
        let Some(file) = self.pid_file.clone() else { return };
        self.jobs.add(move || {
            if PidFile::read(file.path()).is_ok_and(|pid| pid == process::id()) {
                return;
            }
            if let Err(error) = file.reclaim(successor) {
                tracing::error!("{error}");
            }
        });
    }

    /// A listener began to accept. Those before it are left.
    fn opened(&mut self, lane: Lane) {
        if let Some(previous) = self.active.last() {
            self.leave(previous);
            let address = lane.address();
            tracing::info!("serves http://{address}/ from now on");
            self.jobs.add(move || notify::status(&format!("serves http://{address}/")));
        }
        if self.state.stopping {
            self.leave(&lane);
        }
        self.active.push(lane);
    }

    /// Drains a listener, and gives its socket up as soon as it accepts no more.
    fn leave(&self, lane: &Lane) {
        lane.drain().begin();
        let (drain, listeners) = (lane.drain().clone(), Arc::clone(&self.listeners));
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

    fn answer(&mut self, outcome: Result<&str, &str>) {
        for requester in self.requesters.drain(..) {
            requester.answer(outcome);
        }
    }
}

impl Attempt {
    fn none() -> Attempt {
        Attempt { began: Instant::now(), step: Step::None, pid: None, failure: None }
    }

    /// Ends a successor that does not accept yet.
    fn give_up(&self) {
        if let Step::Starting(start) = &self.step {
            start.give_up();
        }
    }
}

impl Step {
    async fn next(&mut self) -> Progress {
        match self {
            Step::None => pending().await,
            Step::Starting(start) => Progress::Started(start.started().await.map(Box::new)),
            Step::Running(successor) => Progress::Said(successor.next().await),
            Step::Ending(ended) => {
                Progress::Ended(ended.await.unwrap_or_else(|error| UpgradeError::Died(error.to_string())))
            }
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
async fn first_to_end(active: &mut [Lane]) -> (usize, io::Result<Outcome>) {
    let mut ends: Vec<_> = active.iter_mut().map(|lane| Box::pin(lane.drained())).collect();
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
