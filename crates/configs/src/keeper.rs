//! What happens with every attempt, from reading to the last listener.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use filewatch::{Files, Notice};
use jiff::Zoned;

use crate::callbacks::{Callbacks, calmly};
use crate::configs::{Commit, Configurable};
use crate::diagnosis::{Diagnosis, Problem, Rejection};
use crate::evidence::Evidence;
use crate::history::{Attempt, Change, Event, Outcome, Trigger};
use crate::listener::Listener;
use crate::recipe::{Candidate, Recipe};
use crate::snapshot::Snapshot;

/// What the handles share with the thread that watches.
pub(crate) struct Keeper<T> {
    recipe: Mutex<Recipe<T>>,
    revision_key: Option<String>,
    pub(crate) consumers: Callbacks<Prepare<T>>,
    pub(crate) listeners: Callbacks<Listener>,
    followers: Mutex<Vec<Follow<T>>>,
    state: Mutex<State<T>>,
}

pub(crate) type Prepare<T> =
    Box<dyn FnMut(&Arc<Snapshot<T>>, &Arc<Snapshot<T>>) -> Result<Commit, Rejection> + Send>;

/// Passes a snapshot on to a subscription; `false` when nobody listens any more.
pub(crate) type Follow<T> = Box<dyn Fn(&T) -> bool + Send>;

struct State<T> {
    in_force: Option<Arc<Snapshot<T>>>,
    began: Instant,
    offered: Option<Offer>,
    warned: Vec<String>,
    history: VecDeque<Attempt>,
}

/// An edit that all agreed to, until it is in force.
struct Offer {
    commits: Vec<Commit>,
    changed: Vec<Change>,
    evidence: Evidence,
}

/// How many attempts are remembered.
const REMEMBERED: usize = 50;

impl<T: Configurable> Keeper<T> {
    pub(crate) fn new(recipe: Recipe<T>, revision_key: Option<String>) -> Keeper<T> {
        Keeper {
            recipe: Mutex::new(recipe),
            revision_key,
            consumers: Callbacks::new(),
            listeners: Callbacks::new(),
            followers: Mutex::new(Vec::new()),
            state: Mutex::new(State {
                in_force: None,
                began: Instant::now(),
                offered: None,
                warned: Vec::new(),
                history: VecDeque::new(),
            }),
        }
    }

    /// Reads, checks, compares and offers an edit; `None` when no value differs.
    pub(crate) fn build(&self, files: &mut Files<'_>) -> Result<Option<Snapshot<T>>, Diagnosis> {
        self.state().began = Instant::now();
        let in_force = self.state().in_force.clone();
        let secrets = in_force.as_ref().map(|snapshot| snapshot.effective.as_ref());
        let candidate = calmly(|| locked(&self.recipe).candidate(files, secrets))
            .unwrap_or_else(|| Err(Problem::plain("the code of the settings' own type panicked").into()))?;
        self.warn(&candidate.warnings);
        match in_force {
            Some(old) if files.trigger() != filewatch::Trigger::Start => self.next(&old, candidate),
            _ => Ok(Some(self.first(candidate))),
        }
    }

    /// Hears what came of an attempt, after the swap if there was one.
    pub(crate) fn notice(&self, notice: Notice<'_, Snapshot<T>, Diagnosis>) {
        match notice {
            Notice::Published { trigger: filewatch::Trigger::Start, .. } => {}
            Notice::Published { new, trigger, .. } => {
                let offer = {
                    let mut state = self.state();
                    state.in_force = Some(Arc::clone(new));
                    state.offered.take()
                };
                let changed = offer.map(Offer::put_in_force).unwrap_or_default();
                self.follow(new);
                self.decided(trigger.into(), Outcome::Accepted, changed, None);
            }
            Notice::Unchanged { trigger } => {
                self.decided(trigger.into(), Outcome::Unchanged, Vec::new(), None);
            }
            Notice::Rejected { error, trigger } => {
                self.decided(trigger.into(), Outcome::Rejected, Vec::new(), Some(error));
            }
            Notice::Degraded(reason) => self.tell(&Event::Degraded(reason)),
            Notice::Recovered(reason) => self.tell(&Event::Recovered(reason)),
        }
    }

    /// The attempts, newest first.
    pub(crate) fn history(&self) -> Vec<Attempt> {
        self.state().history.iter().cloned().collect()
    }

    /// Adds a follower, made while no edit can pass it by.
    pub(crate) fn add_follower<R>(&self, begin: impl FnOnce() -> (Follow<T>, R)) -> R {
        let mut followers = locked(&self.followers);
        let (follow, subscription) = begin();
        followers.push(follow);
        subscription
    }

    /// The start is repeated when a file was changed while it was read: the last one counts.
    fn first(&self, candidate: Candidate<T>) -> Snapshot<T> {
        let snapshot = self.snapshot(1, candidate).0;
        let mut state = self.state();
        state.in_force = Some(Arc::new(snapshot.clone()));
        let attempt = Attempt {
            generation: 1,
            at: snapshot.at.clone(),
            took: state.began.elapsed(),
            trigger: Trigger::Start,
            outcome: Outcome::Accepted,
            changed: Vec::new(),
            error: None,
        };
        state.history = VecDeque::from([attempt]);
        snapshot
    }

    fn next(
        &self,
        old: &Arc<Snapshot<T>>,
        candidate: Candidate<T>,
    ) -> Result<Option<Snapshot<T>>, Diagnosis> {
        let changed = old.effective.changes(&candidate.effective);
        if changed.is_empty() {
            return Ok(None);
        }
        let (new, evidence) = self.snapshot(old.generation + 1, candidate);
        self.refuse_stale(old.revision, new.revision, &evidence)?;
        let new = Arc::new(new);
        let commits = self.prepared(old, &new, &evidence)?;
        self.state().offered = Some(Offer { commits, changed, evidence });
        Ok(Some(Arc::unwrap_or_clone(new)))
    }

    fn snapshot(&self, generation: u64, candidate: Candidate<T>) -> (Snapshot<T>, Evidence) {
        let Candidate { value, effective, evidence, .. } = candidate;
        let revision = self.revision_key.as_deref().and_then(|key| effective.number(key));
        let snapshot = Snapshot {
            generation,
            at: Zoned::now(),
            digest: effective.digest(),
            revision,
            value: Arc::new(value),
            effective: Arc::new(effective),
        };
        (snapshot, evidence)
    }

    /// An edit that lowers the revision comes from an old copy. One that takes it away ends the guarding.
    fn refuse_stale(&self, old: Option<u64>, new: Option<u64>, evidence: &Evidence) -> Result<(), Diagnosis> {
        match (&self.revision_key, old, new) {
            (Some(key), Some(old), Some(new)) if new < old => {
                let stale = format!("stale: revision {new} is lower than {old}, which is in force");
                Err(evidence
                    .rejection(key, &stale)
                    .help("start from the newest copy and raise the revision")
                    .into())
            }
            _ => Ok(()),
        }
    }

    fn prepared(
        &self,
        old: &Arc<Snapshot<T>>,
        new: &Arc<Snapshot<T>>,
        evidence: &Evidence,
    ) -> Result<Vec<Commit>, Diagnosis> {
        let (mut commits, mut problems) = (Vec::new(), Vec::new());
        for answer in self.consumers.call(|prepare| prepare(old, new)) {
            match answer {
                Some(Ok(commit)) => commits.push(commit),
                Some(Err(rejection)) => {
                    problems.push(evidence.rejection(&rejection.path, &rejection.message));
                }
                None => problems
                    .push(Problem::plain("a consumer panicked while it prepared for this configuration")),
            }
        }
        if problems.is_empty() {
            return Ok(commits);
        }
        for commit in commits {
            calmly(|| drop(commit));
        }
        Err(Diagnosis::new(problems))
    }

    fn follow(&self, new: &T) {
        locked(&self.followers).retain(|follow| calmly(|| follow(new)).unwrap_or(true));
    }

    fn decided(&self, trigger: Trigger, outcome: Outcome, changed: Vec<Change>, error: Option<Diagnosis>) {
        // What was prepared for an edit that was read anew and then refused.
        let unused = self.state().offered.take();
        calmly(|| drop(unused));
        let attempt = {
            let mut state = self.state();
            let generation = state.in_force.as_ref().map_or(0, |snapshot| snapshot.generation);
            let took = state.began.elapsed();
            let attempt = Attempt { generation, at: Zoned::now(), took, trigger, outcome, changed, error };
            state.history.push_front(attempt.clone());
            state.history.truncate(REMEMBERED);
            attempt
        };
        self.tell(&Event::Attempt(attempt));
    }

    fn tell(&self, event: &Event) {
        self.listeners.call(|listener| listener.tell(event));
    }

    /// Says once what was tolerated.
    fn warn(&self, warnings: &[String]) {
        let mut state = self.state();
        for warning in warnings.iter().filter(|warning| !state.warned.contains(warning)) {
            tracing::warn!("ignored: {warning}");
        }
        state.warned = warnings.to_vec();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        locked(&self.state)
    }
}

impl Offer {
    /// Says what changed, without any secret.
    fn put_in_force(self) -> Vec<Change> {
        for commit in self.commits {
            if calmly(commit).is_none() {
                tracing::error!("a consumer panicked while it put a configuration in force");
            }
        }
        self.changed.into_iter().map(|change| self.evidence.masked(change)).collect()
    }
}

/// What is behind these locks is whole at every moment, so a panic elsewhere does no harm.
fn locked<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
