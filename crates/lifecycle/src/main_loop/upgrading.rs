//! The part of the main loop that carries out an upgrade.

use std::process;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::MainLoop;
use crate::attempt::{Attempt, Progress, Step};
use crate::control_socket::Requester;
use crate::fault;
use crate::inherited::executable;
use crate::listeners::Moves;
use crate::notify;
use crate::pid_file::PidFile;
use crate::process_stats;
use crate::socket::Socket;
use crate::successor::Start;
use crate::successor_channel::Message;
use crate::upgrade::{Event, Refusal, Release};
use crate::upgrade_error::UpgradeError;

/// When a listener that could not be made for the lack of a thread or descriptor is tried again.
const RETRY: Duration = Duration::from_millis(50);

impl MainLoop {
    /// The server is asked for an upgrade; `requester` waits for the outcome.
    pub(super) fn upgrade(&mut self, requester: Option<Requester>) {
        self.asking = requester;
        self.event(Event::Requested);
    }

    pub(super) fn refuse(&mut self, why: Refusal) {
        let refused = self.refused(why);
        process_stats::upgrade_ended(Some(&refused));
        tracing::warn!("no upgrade: {refused}");
        if let Some(requester) = self.asking.take() {
            requester.answer(Err(&refused));
        }
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

    pub(super) fn start(&mut self) {
        self.requesters.extend(self.asking.take());
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

    pub(super) fn progressed(&mut self, progress: Progress) {
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
                self.attempt.end(loss);
                self.event(Event::Lost);
            }
        }
    }

    /// The successor accepts. This process leaves the listener to it, and tells the supervisor who serves now.
    pub(super) fn hand_over(&mut self) {
        if let Some(predecessor) = self.predecessor.take() {
            predecessor.upgrading();
        }
        if let Some(pid) = self.attempt.pid {
            tracing::info!("process {pid} took over after {} ms", self.attempt.began.elapsed().as_millis());
            // The successor has written the process file before it said that it serves.
            self.jobs.add(move || notify::main_pid(pid));
        }
        if let Some(thread) = self.active.last() {
            thread.drain().share();
            self.leave(thread);
        }
        fault::strike("old.draining");
    }

    /// The successor is gone and left its queue. This process accepts on it again.
    pub(super) fn serve_again(&mut self) {
        let retried = self.serve_again_at.take().is_some();
        let Some(spare) = &self.spare else { return };
        // A successor that drained it by itself has shut it.
        let reopened = spare.try_clone().and_then(Socket::reopened);
        let prepared = reopened.and_then(|socket| self.listeners.prepare(socket));
        match prepared {
            Ok(prepared) => self.listeners.open(prepared),
            Err(error) => {
                if !retried {
                    tracing::error!("cannot serve again yet, trying again until it works: {error}");
                }
                self.serve_again_at = Some(Instant::now() + RETRY);
                return;
            }
        }
        self.reclaim_the_process_file(self.attempt.pid);
        let pid = process::id();
        self.jobs.add(move || notify::main_pid(pid));
    }

    pub(super) fn release(&mut self, why: Release) {
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

    pub(super) fn report_failure(&mut self) {
        let attempt = std::mem::replace(&mut self.attempt, Attempt::none());
        if let Some(error) = &attempt.failure {
            process_stats::upgrade_ended(Some(error));
            if self.state.stopping {
                tracing::error!("no upgrade: {error}");
            } else {
                tracing::error!("no upgrade, this process serves on: {error}");
            }
            self.answer(Err(error));
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

    pub(super) fn allow_moves(&self) {
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
}
