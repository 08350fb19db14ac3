//! The process between its start and its end.

use std::{io, path::Path, sync::Arc};

use futures_util::future::select_all;
use lifecycle::{
    Endpoint, Hangup, Outcome, Petitioner, PidFile, Rules, Setback, Signal, Signals, Socket, fault, notify,
};
use site::Site;
use tokio::sync::mpsc;

use crate::{
    berth::{Berth, Place},
    pier::Pier,
    succession::{Succession, Turn},
};

/// The process between its start and its end.
pub(crate) struct Life<S> {
    site: Site,
    pier: Arc<Pier<S>>,
    signals: Signals,
    opened: mpsc::UnboundedReceiver<Place>,
    /// Where the site is served, the newest last.
    places: Vec<Place>,
    stopping: bool,
    succession: Succession,
    pid_file: Option<PidFile>,
}

impl<S, F> Life<S>
where
    S: Fn(Site, Endpoint) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = io::Result<()>> + 'static,
{
    /// `opened` tells of every place at which `pier` serves the site, the first one too.
    pub(crate) fn new(
        site: Site,
        pier: Arc<Pier<S>>,
        signals: Signals,
        opened: mpsc::UnboundedReceiver<Place>,
        succession: Succession,
        pid_file: Option<PidFile>,
    ) -> Self {
        Self { site, pier, signals, opened, places: Vec::new(), stopping: false, succession, pid_file }
    }

    /// Until nothing is served any more: what the signals say is done.
    pub(crate) async fn live(mut self) -> io::Result<Outcome> {
        let mut outcome = Outcome::Clean;
        loop {
            tokio::select! {
                biased;
                Some(place) = self.opened.recv() => self.arrive(place),
                signal = self.signals.next() => match signal {
                    Signal::Terminate | Signal::Interrupt => self.stop(),
                    Signal::Hangup => match self.signals.hangup_means() {
                        Hangup::Stop => self.stop(),
                        Hangup::Reload => reload(&self.site).await,
                    },
                    Signal::Upgrade => self.upgrade(None),
                },
                turn = self.succession.turn() => self.turn(turn),
                (place, ended) = first_to_end(&mut self.places), if !self.places.is_empty() => {
                    let newest = place + 1 == self.places.len();
                    self.places.remove(place);
                    match ended {
                        Ok(ended) => outcome = both(outcome, ended),
                        Err(error) if newest && !self.leaves() => return Err(error),
                        Err(error) => tracing::error!("a server that was being left ended: {error}"),
                    }
                    if self.succession.is_handed_on() && self.places.is_empty() {
                        fault::strike("old.drained");
                    }
                }
            }
            let arrives = !self.opened.is_empty();
            if self.places.is_empty() && !arrives && !self.succession.is_handed_on() {
                return Ok(outcome);
            }
        }
    }

    /// Whether this process is on its way out: asked to stop, or succeeded.
    fn leaves(&self) -> bool {
        self.stopping || self.succession.is_handed_on()
    }

    /// Begins an upgrade, or says why not; `petitioner` waits for the outcome.
    fn upgrade(&mut self, petitioner: Option<Petitioner>) {
        match self.may_upgrade() {
            Ok((path, socket, kept)) => {
                tracing::info!("upgrading: starting the program at `{}`", path.display());
                let upgrade = &self.site.config().upgrade;
                let rules = Rules { sha256: upgrade.sha256.clone(), public_key: upgrade.public_key.clone() };
                self.succession.start(path.to_owned(), rules, socket, kept);
                if let Some(petitioner) = petitioner {
                    self.succession.keep(petitioner);
                }
            }
            Err(setback) => {
                lifecycle::upgraded(Some(&setback));
                tracing::warn!("no upgrade: {setback}");
                if let Some(petitioner) = petitioner {
                    petitioner.answer(Err(&setback.to_string()));
                }
            }
        }
    }

    /// The program to start, the socket that it takes over, and where this process serves again if it has to: what can
    /// fail on the way back fails now.
    fn may_upgrade(&self) -> Result<(&'static Path, Socket, Berth), Setback> {
        self.succession.may_start()?;
        if self.stopping {
            return Err(Setback::Busy("the server is stopping".to_owned()));
        }
        let path = lifecycle::executable()
            .map_err(|error| Setback::Missing(format!("the program's path is not known: {error}")))?;
        let sockets = self.pier.newest().zip(self.pier.newest());
        let (socket, kept) = sockets.ok_or_else(|| {
            Setback::Unstartable("there is no socket, or no descriptor, to hand over".to_owned())
        })?;
        let kept = self.pier.berth(kept).map_err(|error| {
            Setback::Unstartable(format!("this process could not serve again if it had to: {error}"))
        })?;
        Ok((path, socket, kept))
    }

    fn turn(&mut self, turn: Turn) {
        match turn {
            Turn::Asked(petitioner) => self.upgrade(Some(petitioner)),
            Turn::Serves(pid) => self.hand_on(pid),
            Turn::Failed(setback) => self.set_back(&setback),
            Turn::Orphaned(setback, berth) => {
                self.serve_again(berth);
                self.set_back(&setback);
            }
            Turn::Passed => {}
        }
        let drains = self.places.last().is_some_and(|place| place.drain().is_draining());
        if self.stopping && !self.succession.is_handing_on() && (self.succession.is_handed_on() || !drains) {
            self.end();
        }
    }

    /// The successor accepts on the socket: what is here is drained, and the supervisor is told who serves now.
    fn hand_on(&mut self, successor: u32) {
        // The process file has changed hands before: the successor wrote it.
        notify::main_pid(successor);
        if let Some(place) = self.places.last() {
            place.drain().share();
            self.leave(place);
        }
        fault::strike("old.draining");
    }

    /// The successor is gone and left its queue: accepting begins again.
    fn serve_again(&mut self, berth: Berth) {
        self.pier.open(berth);
        self.reclaim_the_process_file();
        notify::main_pid(std::process::id());
        self.pier.settle(&self.site.config());
    }

    fn set_back(&mut self, setback: &Setback) {
        lifecycle::upgraded(Some(setback));
        tracing::error!("no upgrade, this process serves on: {setback}");
        self.succession.answer(Err(&setback.to_string()));
        self.reclaim_the_process_file();
    }

    /// A successor that is gone may have written its id there.
    fn reclaim_the_process_file(&self) {
        let Some(file) = &self.pid_file else { return };
        if PidFile::read(file.path()).is_ok_and(|pid| pid == std::process::id()) {
            return;
        }
        if let Err(error) = file.reclaim() {
            tracing::error!("cannot write the process id to `{}`: {error}", file.path().display());
        }
    }

    /// The site is served at one more place; those before it are left.
    fn arrive(&mut self, place: Place) {
        if let Some(previous) = self.places.last() {
            self.leave(previous);
            logged_move(&place);
        }
        if self.stopping {
            self.leave(&place);
        }
        self.places.push(place);
    }

    fn leave(&self, place: &Place) {
        place.leave();
        let (drain, pier) = (place.drain().clone(), Arc::clone(&self.pier));
        tokio::spawn(async move {
            drain.last_call().await;
            pier.release();
        });
    }

    /// Drains; asked again, ends at once.
    fn stop(&mut self) {
        if self.stopping {
            for place in &self.places {
                place.drain().force();
            }
            return;
        }
        self.stopping = true;
        if self.succession.is_handing_on() {
            // In a moment it is clear who serves.
            return;
        }
        self.end();
    }

    /// Drains, or leaves the service to the process after this one.
    fn end(&mut self) {
        let handed_on = self.succession.is_handed_on();
        self.succession.stop();
        if handed_on {
            // The service goes on in another process.
            return;
        }
        notify::stopping();
        if let Some(place) = self.places.last() {
            self.leave(place);
        }
        tracing::info!("draining {} connections", lifecycle::figures().connections);
    }
}

/// The place that ends first, with how that went.
async fn first_to_end(places: &mut [Place]) -> (usize, io::Result<Outcome>) {
    let ends = places.iter_mut().map(|place| Box::pin(place.lane().drained()));
    let (ended, place, _) = select_all(ends).await;
    (place, ended)
}

/// How two drains went together.
fn both(one: Outcome, other: Outcome) -> Outcome {
    use Outcome::{Clean, Cut, Forced};
    match (one, other) {
        (Clean, outcome) | (outcome, Clean) => outcome,
        (Cut(a), Cut(b)) => Cut(a + b),
        (Cut(a) | Forced(a), Cut(b) | Forced(b)) => Forced(a + b),
    }
}

fn logged_move(place: &Place) {
    tracing::info!("serves http://{}/ from now on", place.address());
    notify::status(&format!("serves http://{}/", place.address()));
}

async fn reload(site: &Site) {
    notify::reloading();
    site.reload().await;
    notify::ready();
}
