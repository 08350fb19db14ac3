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
use crate::pending::{Edits, Pending};
use crate::recipe::{Candidate, Recipe};
use crate::snapshot::Snapshot;

/// What the handles share with the thread that watches.
pub(crate) struct Reload<T, D> {
    recipe: Mutex<Recipe<T>>,
    derive: Derive<T, D>,
    revision_key: Option<String>,
    consumers: Callbacks<Prepare<T, D>>,
    edits: Edits,
    pub(crate) listeners: Callbacks<Listener>,
    followers: Mutex<Vec<Follow<T>>>,
    state: Mutex<State>,
}

pub(crate) type Prepare<T, D> =
    Box<dyn FnMut(&Snapshot<T, D>, &Snapshot<T, D>) -> Result<Commit, Rejection> + Send>;

/// Makes what belongs to a new value; given the snapshot in force, if there is one.
pub(crate) type Derive<T, D> = Box<dyn Fn(&Snapshot<T>, Option<&Snapshot<T, D>>) -> D + Send + Sync>;

/// Passes a snapshot on to a subscription; `false` when nobody listens any more.
pub(crate) type Follow<T> = Box<dyn Fn(&T) -> bool + Send>;

struct State {
    began: Instant,
    warned: Vec<String>,
    history: VecDeque<Attempt>,
}

/// How many attempts are remembered.
const REMEMBERED: usize = 50;

impl<T: Configurable, D> Reload<T, D> {
    pub(crate) fn new(recipe: Recipe<T>, derive: Derive<T, D>, revision_key: Option<String>) -> Reload<T, D> {
        Reload {
            recipe: Mutex::new(recipe),
            derive,
            revision_key,
            consumers: Callbacks::new(),
            edits: Edits::default(),
            listeners: Callbacks::new(),
            followers: Mutex::new(Vec::new()),
            state: Mutex::new(State { began: Instant::now(), warned: Vec::new(), history: VecDeque::new() }),
        }
    }

    /// Reads, checks and compares an edit, then asks the consumers; `None` when no value differs from `current`.
    pub(crate) fn build(
        &self,
        files: &mut Files<'_>,
        current: Option<&Arc<Snapshot<T, D>>>,
    ) -> Result<Option<Snapshot<T, D>>, Diagnosis> {
        self.state().began = Instant::now();
        let secrets = current.map(|snapshot| &snapshot.effective);
        let candidate = calmly(|| locked(&self.recipe).candidate(files, secrets))
            .unwrap_or_else(|| Err(Problem::plain("the code of the settings' own type panicked").into()))?;
        self.warn(&candidate.warnings);
        match current {
            Some(current) => self.next(current, candidate),
            None => self.first(candidate).map(Some),
        }
    }

    /// Takes note of an attempt, after the swap if there was one.
    pub(crate) fn notice(&self, notice: Notice<'_, Snapshot<T, D>, Diagnosis>) {
        match notice {
            Notice::Published { new, trigger, .. } => {
                let pending = locked(&new.pending).take();
                let changed = pending.map(Pending::commit).unwrap_or_default();
                self.follow(new);
                self.decided(new.generation, trigger.into(), Outcome::Accepted, changed, None);
            }
            Notice::Unchanged { current, trigger } => {
                self.decided(current.generation, trigger.into(), Outcome::Unchanged, Vec::new(), None);
            }
            Notice::Rejected { error, current, trigger } => {
                self.decided(current.generation, trigger.into(), Outcome::Rejected, Vec::new(), Some(error));
            }
            Notice::Degraded(reason) => self.tell(&Event::Degraded(reason)),
            Notice::Recovered(reason) => self.tell(&Event::Recovered(reason)),
        }
    }

    /// Adds a consumer that is asked about every edit which is not in force when this returns.
    pub(crate) fn add_consumer(&self, prepare: Prepare<T, D>) {
        self.edits.between(|| self.consumers.add(prepare));
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

    /// The first build is repeated when a file changes while it is read: the last one counts.
    fn first(&self, candidate: Candidate<T>) -> Result<Snapshot<T, D>, Diagnosis> {
        let (snapshot, _) = self.snapshot(1, candidate);
        let snapshot = self.derived(snapshot, None)?;
        let mut state = self.state();
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
        drop(state);
        Ok(snapshot)
    }

    fn next(
        &self,
        old: &Snapshot<T, D>,
        candidate: Candidate<T>,
    ) -> Result<Option<Snapshot<T, D>>, Diagnosis> {
        let changed = old.effective.changes(&candidate.effective);
        if changed.is_empty() {
            return Ok(None);
        }
        let (new, evidence) = self.snapshot(old.generation + 1, candidate);
        self.refuse_stale(old.revision, new.revision, &evidence)?;
        let new = self.derived(new, Some(old))?;
        let under_way = self.edits.begin();
        let commits = self.prepared(old, &new, &evidence)?;
        *locked(&new.pending) = Some(Pending::new(commits, changed, evidence, under_way));
        Ok(Some(new))
    }

    fn snapshot(&self, generation: u64, candidate: Candidate<T>) -> (Snapshot<T>, Evidence) {
        let Candidate { value, effective, evidence, .. } = candidate;
        let revision = self.revision_key.as_deref().and_then(|key| effective.number(key));
        let snapshot = Snapshot {
            generation,
            at: Zoned::now(),
            digest: effective.digest(),
            revision,
            value,
            derived: (),
            effective,
            pending: Mutex::new(None),
        };
        (snapshot, evidence)
    }

    fn derived(&self, new: Snapshot<T>, old: Option<&Snapshot<T, D>>) -> Result<Snapshot<T, D>, Diagnosis> {
        match calmly(|| (self.derive)(&new, old)) {
            Some(derived) => Ok(new.with_derived(derived)),
            None => Err(Problem::plain("the code that derives from this configuration panicked").into()),
        }
    }

    /// Refuses an edit that lowers or drops the revision: it was made from an old copy.
    fn refuse_stale(&self, old: Option<u64>, new: Option<u64>, evidence: &Evidence) -> Result<(), Diagnosis> {
        let (Some(key), Some(old)) = (&self.revision_key, old) else { return Ok(()) };
        let stale = match new {
            Some(new) if new >= old => return Ok(()),
            Some(new) => format!("stale: revision {new} is lower than {old}, which is in force"),
            None => format!("stale: there is no revision, and {old} is in force"),
        };
        let problem = evidence.rejection(key, &stale);
        Err(problem.help("start from the newest copy and raise the revision").into())
    }

    fn prepared(
        &self,
        old: &Snapshot<T, D>,
        new: &Snapshot<T, D>,
        evidence: &Evidence,
    ) -> Result<Vec<Commit>, Diagnosis> {
        let (mut commits, mut problems) = (Vec::new(), Vec::new());
        for answer in self.consumers.call_all(|prepare| prepare(old, new)) {
            match answer {
                Some(Ok(commit)) => commits.push(commit),
                Some(Err(rejection)) => {
                    problems.push(evidence.rejected(&rejection));
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

    fn decided(
        &self,
        generation: u64,
        trigger: Trigger,
        outcome: Outcome,
        changed: Vec<Change>,
        error: Option<Diagnosis>,
    ) {
        let attempt = {
            let mut state = self.state();
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

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

/// What is behind these locks is whole at every moment, so a panic elsewhere does no harm.
fn locked<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
