//! The upgrade of the process that serves: the one after it, and the one before it.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use lifecycle::{Guardian, Petitioner, Petitions, Probation, Rules, Setback, Socket, Successor};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::sleep_until,
};

use crate::berth::Berth;

/// How long a successor may take to be ready.
const READY: Duration = Duration::from_secs(30);

/// Where the process stands between the one before it and the one after it.
pub(crate) struct Succession {
    petitions: Option<Petitions>,
    asking: Vec<Petitioner>,
    before: Option<Guardian>,
    after: After,
    probation: Duration,
}

/// The process after this one.
enum After {
    Nobody,
    /// `going` says that the successor was let accept.
    Starting(Start),
    OnProbation {
        successor: Successor,
        until: Instant,
        kept: Berth,
    },
}

/// A successor on its way.
struct Start {
    since: Instant,
    /// Whether it was let accept.
    going: Arc<AtomicBool>,
    starting: JoinHandle<Result<Successor, Setback>>,
    /// Where this process serves again if it has to.
    kept: Berth,
}

/// What happens between the three.
pub(crate) enum Turn {
    /// Somebody asks for an upgrade and waits for the outcome.
    Asked(Petitioner),
    /// The successor with this process id serves; this process has to leave the socket to it.
    Serves(u32),
    /// The successor did not come to serve.
    Failed(Setback),
    /// The successor is gone, on probation: this process has to serve again, here.
    Orphaned(Setback, Berth),
    /// The successor has passed its probation.
    Passed,
}

impl Succession {
    /// `before` watches over this process. Must be called on a tokio runtime.
    pub(crate) fn new(before: Option<Guardian>, probation: Duration) -> Self {
        let petitions = Petitions::listen()
            .inspect_err(|error| tracing::warn!("`--upgrade` will not reach this process: {error}"));
        Self { petitions: petitions.ok(), asking: Vec::new(), before, after: After::Nobody, probation }
    }

    /// Whether a successor serves, on probation.
    pub(crate) fn is_handed_on(&self) -> bool {
        matches!(self.after, After::OnProbation { .. })
    }

    /// Whether a successor was let accept, and has not said yet that it does.
    pub(crate) fn is_handing_on(&self) -> bool {
        matches!(&self.after, After::Starting(start) if start.going.load(Ordering::Relaxed))
    }

    /// Starts the program that is at `path` now, to take over `socket`; `kept` is where this process serves again if it
    /// has to.
    pub(crate) fn start(&mut self, path: PathBuf, rules: Rules, socket: Socket, kept: Berth) {
        let going = Arc::new(AtomicBool::new(false));
        let goes = Arc::clone(&going);
        let starting = tokio::spawn(async move {
            let started = spawn_blocking(move || Successor::start(&path, &rules, &socket));
            let mut successor = started.await.unwrap_or_else(|_| {
                Err(Setback::Unstartable("the start of the successor panicked".to_owned()))
            })?;
            successor.ready(READY).await?;
            goes.store(true, Ordering::Relaxed);
            successor.take_over().await?;
            Ok(successor)
        });
        self.after = After::Starting(Start { since: Instant::now(), going, starting, kept });
    }

    /// Whether an upgrade may begin, or why not.
    pub(crate) fn may_start(&self) -> Result<(), Setback> {
        match &self.after {
            After::Nobody => Ok(()),
            After::Starting(_) => {
                Err(Setback::Busy("an upgrade is under way already: its successor is starting".to_owned()))
            }
            After::OnProbation { successor, .. } => Err(Setback::Busy(format!(
                "this process has handed on to process {}: ask that one",
                successor.pid()
            ))),
        }
    }

    /// Somebody waits for the outcome.
    pub(crate) fn keep(&mut self, petitioner: Petitioner) {
        self.asking.push(petitioner);
    }

    /// The process was asked to stop: whoever starts or is on probation goes on alone or not at all.
    pub(crate) fn stop(&mut self) {
        if let Some(before) = self.before.take() {
            before.stopping();
        }
        match std::mem::replace(&mut self.after, After::Nobody) {
            After::Nobody => {}
            After::Starting(start) => {
                start.starting.abort();
                self.answer(Err("the server was asked to stop"));
            }
            After::OnProbation { successor, .. } => {
                self.acquit(successor, "its predecessor was asked to stop");
            }
        }
    }

    /// The next turn. Cancelling it loses nothing.
    pub(crate) async fn turn(&mut self) -> Turn {
        loop {
            tokio::select! {
                petitioner = asked(self.petitions.as_mut()) => return Turn::Asked(petitioner),
                passed = judged(self.before.as_mut()) => {
                    self.before = None;
                    if passed {
                        lifecycle::upgraded(None);
                    } else {
                        tracing::warn!("the predecessor is gone before the probation is over");
                    }
                }
                turn = next(&mut self.after) => match turn {
                    Next::Started(Ok(successor)) => {
                        let After::Starting(start) = std::mem::replace(&mut self.after, After::Nobody) else {
                            continue;
                        };
                        if let Some(before) = self.before.take() {
                            before.upgrading();
                        }
                        let (pid, until) = (successor.pid(), Instant::now() + self.probation);
                        self.after = After::OnProbation { successor, until, kept: start.kept };
                        return Turn::Serves(pid);
                    }
                    Next::Started(Err(setback)) => {
                        self.after = After::Nobody;
                        return Turn::Failed(setback);
                    }
                    Next::Over => {
                        let After::OnProbation { successor, .. } = std::mem::replace(&mut self.after, After::Nobody)
                        else { continue };
                        self.acquit(successor, "the probation is over");
                        return Turn::Passed;
                    }
                    Next::Gone(setback) => {
                        let After::OnProbation { kept, .. } = std::mem::replace(&mut self.after, After::Nobody)
                        else { continue };
                        return Turn::Orphaned(setback, kept);
                    }
                },
            }
        }
    }

    /// Tells everybody who asked.
    pub(crate) fn answer(&mut self, outcome: Result<&str, &str>) {
        for petitioner in self.asking.drain(..) {
            petitioner.answer(outcome);
        }
    }

    fn acquit(&mut self, successor: Successor, why: &str) {
        let words = format!("process {} serves, {why}", successor.pid());
        tracing::info!("upgraded: {words}");
        self.answer(Ok(&words));
        successor.acquit();
    }
}

enum Next {
    Started(Result<Successor, Setback>),
    Over,
    Gone(Setback),
}

async fn next(after: &mut After) -> Next {
    match after {
        After::Nobody => std::future::pending().await,
        After::Starting(start) => {
            let started = (&mut start.starting).await;
            let since = start.since.elapsed();
            match started {
                Ok(Ok(successor)) => {
                    tracing::info!("process {} took over after {} ms", successor.pid(), since.as_millis());
                    Next::Started(Ok(successor))
                }
                Ok(Err(setback)) => Next::Started(Err(setback)),
                Err(_) => Next::Started(Err(Setback::Unstartable("the start was given up".to_owned()))),
            }
        }
        After::OnProbation { successor, until, .. } => tokio::select! {
            () = sleep_until((*until).into()) => Next::Over,
            ended = successor.watch() => match ended {
                Probation::Over => Next::Over,
                Probation::Failed(setback) => Next::Gone(setback),
            },
        },
    }
}

async fn asked(petitions: Option<&mut Petitions>) -> Petitioner {
    match petitions {
        Some(petitions) => petitions.next().await,
        None => std::future::pending().await,
    }
}

async fn judged(before: Option<&mut Guardian>) -> bool {
    match before {
        Some(guardian) => guardian.judged().await,
        None => std::future::pending().await,
    }
}
