//! One attempt, from reading the files to the last listener.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use filewatch::{Files, Notice, ReloadHandle};
use jiff::Zoned;

use crate::attempt_log::{AttemptLog, Decision};
use crate::callbacks::{Callbacks, catch_panic};
use crate::commit::Commit;
use crate::configurable::Configurable;
use crate::diagnosis::Diagnosis;
use crate::effective::{Effective, EffectiveValue};
use crate::history::{Attempt, Change, Event, Outcome, Trigger};
use crate::listener::Listener;
use crate::loader::{Candidate, Loader, Parts, Versions};
use crate::origin::Origin;
use crate::pending::{Edits, Pending};
use crate::problem::Problem;
use crate::provenance::Provenance;
use crate::redactor::Redactor;
use crate::rejection::Rejection;
use crate::rollout::{self, Rollout};
use crate::runtime::Runtime;
use crate::snapshot::Snapshot;
use crate::sources::Choice;
use crate::tree::Node;

/// The state that the handles share with the thread that watches. The value in force is not in here: filewatch holds it.
pub(crate) struct Reload<T, D> {
    loader: Mutex<Loader<T>>,
    derive: Derive<T, D>,
    revisions: Revisions,
    consumers: Callbacks<Prepare<T, D>>,
    edits: Edits,
    pub(crate) listeners: Callbacks<Listener>,
    followers: Mutex<Vec<Follow<T>>>,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) rollout: Rollout,
    /// Asks for another build. Set when the watching has begun.
    pub(crate) again: OnceLock<ReloadHandle>,
    /// The origins of the values in force. An edit that only moves lines changes them, and makes no snapshot.
    origins: Mutex<Option<Arc<Provenance>>>,
    log: Mutex<AttemptLog>,
}

/// Makes what belongs to a new value; the second argument is the snapshot in force, if there is one.
pub(crate) type Derive<T, D> = Box<dyn Fn(&Snapshot<T>, Option<&Snapshot<T, D>>) -> D + Send + Sync>;

pub(crate) type Prepare<T, D> =
    Box<dyn FnMut(&Snapshot<T, D>, &Snapshot<T, D>) -> Result<Commit, Rejection> + Send>;

/// Passes a value on to a subscription; `false` when the subscription is dropped.
pub(crate) type Follow<T> = Box<dyn Fn(&T) -> bool + Send>;

/// The rule that recognises stale edits.
#[derive(Default)]
pub(crate) struct Revisions {
    /// The dotted path of a whole number that no edit may lower or drop.
    pub(crate) key: Option<String>,
    /// An edit may lower or drop it all the same.
    pub(crate) allow_rollback: bool,
}

impl<T: Configurable, D> Reload<T, D> {
    pub(crate) fn new(
        loader: Loader<T>,
        derive: Derive<T, D>,
        revisions: Revisions,
        runtime: Runtime,
    ) -> Reload<T, D> {
        Reload {
            rollout: Rollout::new(loader.sources.remote().cloned().collect()),
            loader: Mutex::new(loader),
            derive,
            revisions,
            consumers: Callbacks::new(),
            edits: Edits::default(),
            listeners: Callbacks::new(),
            followers: Mutex::new(Vec::new()),
            runtime: Arc::new(runtime),
            again: OnceLock::new(),
            origins: Mutex::new(None),
            log: Mutex::new(AttemptLog::new()),
        }
    }

    /// Reads, checks and compares an edit, then asks the consumers. Returns `None` when no value differs from `current`.
    ///
    /// If a value that is set at run time makes it fail, it is repeated without that value: the files are judged by themselves.
    pub(crate) fn build(
        &self,
        files: &mut Files<'_>,
        current: Option<&Arc<Snapshot<T, D>>>,
    ) -> Result<Option<Snapshot<T, D>>, Diagnosis> {
        self.log().begin();
        self.rollout.begin();
        let (runtime, changed) = self.runtime.begin();
        if let Some(changed) = changed {
            match self.best(files, changed.layer, current) {
                Err(diagnosis) => self.runtime.refuse(diagnosis),
                built => return built,
            }
        }
        self.best(files, runtime, current)
    }

    /// Tries the texts of the sources with their canaries, then without. At the start it tries the kept texts last.
    fn best(
        &self,
        files: &mut Files<'_>,
        runtime: Option<Node>,
        current: Option<&Arc<Snapshot<T, D>>>,
    ) -> Result<Option<Snapshot<T, D>>, Diagnosis> {
        let newest = Versions { choice: Choice::Newest, canaries: true };
        let stable = Versions { canaries: false, ..newest };
        let mut failed = match self.attempt(files, runtime.clone(), newest, current) {
            Err(diagnosis) => diagnosis,
            built => return built,
        };
        if self.rollout.has_canary() {
            self.rollout.refuse(failed);
            failed = match self.attempt(files, runtime.clone(), stable, current) {
                Err(diagnosis) => diagnosis,
                built => return built,
            };
        }
        if current.is_some() || !self.rollout.has_last_good() {
            return Err(failed);
        }
        let kept = Versions { choice: Choice::LastGood, ..stable };
        self.attempt(files, runtime, kept, current).map_err(|_| failed)
    }

    fn attempt(
        &self,
        files: &mut Files<'_>,
        runtime: Option<Node>,
        versions: Versions,
        current: Option<&Arc<Snapshot<T, D>>>,
    ) -> Result<Option<Snapshot<T, D>>, Diagnosis> {
        let effective = current.map(|current| &current.effective);
        let mut parts = Parts::default();
        let candidate = locked(&self.loader).candidate(files, runtime, versions, effective, &mut parts);
        self.rollout.take(parts);
        let candidate = candidate?;
        self.log().warn(&candidate.warnings);
        let origins = candidate.redactor.provenance.another();
        let built = match current {
            Some(current) => self.next(current, candidate),
            None => self.first(candidate).map(Some),
        }?;
        *locked(&self.origins) = Some(Arc::new(origins));
        Ok(built)
    }

    /// The values of a snapshot, each with its origin.
    pub(crate) fn values(&self, snapshot: &Snapshot<T, D>) -> Vec<EffectiveValue> {
        let origins = locked(&self.origins).clone();
        let origin = |path: &str| origins.as_ref()?.origin(path).cloned();
        let values = Effective::default().changes(&snapshot.effective);
        values
            .into_iter()
            .map(|value| EffectiveValue { origin: origin(&value.path), path: value.path, value: value.to })
            .collect()
    }

    /// The first configuration is in force: follows the sources from now on.
    pub(crate) fn opened(&self, again: ReloadHandle) {
        let reload = again.clone();
        // It is set once.
        let _ = self.again.set(again);
        self.rollout.follow(move || reload.reload());
    }

    /// Records an attempt and tells of it. If there was a swap, it is done; the commits are run here.
    pub(crate) fn notice(&self, notice: Notice<'_, Snapshot<T, D>, Diagnosis>) {
        match notice {
            Notice::Published { new, trigger, .. } => {
                let pending = locked(&new.pending).take();
                let changed = pending.map(Pending::commit).unwrap_or_default();
                self.follow(new);
                self.decided(new.generation, trigger, Outcome::Accepted, changed, None);
            }
            Notice::Unchanged { current, trigger } => {
                self.decided(current.generation, trigger, Outcome::Unchanged, Vec::new(), None);
            }
            Notice::Rejected { error, current, trigger } => {
                self.decided(current.generation, trigger, Outcome::Rejected, Vec::new(), Some(error));
            }
            Notice::Degraded(reason) => self.tell(&Event::Degraded(reason)),
            Notice::Recovered(reason) => self.tell(&Event::Recovered(reason)),
        }
    }

    /// Adds a consumer. It is asked about every edit that is not in force when this returns.
    pub(crate) fn add_consumer(&self, prepare: Prepare<T, D>) {
        self.edits.between(|| self.consumers.add(prepare));
    }

    /// Adds a follower that `begin` makes. No edit is passed on meanwhile, so it misses none.
    pub(crate) fn add_follower<R>(&self, begin: impl FnOnce() -> (Follow<T>, R)) -> R {
        let mut followers = locked(&self.followers);
        let (follow, subscription) = begin();
        followers.push(follow);
        subscription
    }

    /// The attempts, newest first.
    pub(crate) fn history(&self) -> Vec<Attempt> {
        self.log().newest_first()
    }

    /// The first build is repeated when a file changes while it is read: the last one counts.
    fn first(&self, candidate: Candidate<T>) -> Result<Snapshot<T, D>, Diagnosis> {
        let (snapshot, _) = self.snapshot(1, candidate, None)?;
        let rollout::Decided { refused, is_canary, .. } = self.rollout.decide(true);
        self.log().start(snapshot.at.clone(), is_canary);
        if let Some(refused) = refused {
            tracing::warn!("the canary was rejected: {}", refused.message());
            self.log().record(canary_rejected(1, refused));
        }
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
        self.refuse_stale(old.floor, self.revision(&candidate), &candidate.redactor)?;
        let (new, redactor) = self.snapshot(old.generation + 1, candidate, Some(old))?;
        let under_way = self.edits.begin();
        let commits = self.prepare(old, &new, &redactor)?;
        *locked(&new.pending) = Some(Pending::new(commits, changed, redactor, under_way));
        Ok(Some(new))
    }

    fn snapshot(
        &self,
        generation: u64,
        candidate: Candidate<T>,
        current: Option<&Snapshot<T, D>>,
    ) -> Result<(Snapshot<T, D>, Redactor), Diagnosis> {
        let revision = self.revision(&candidate);
        // A canary that is withdrawn lowers the revision again.
        let is_canary = self.rollout.has_canary();
        let floor = if is_canary { current.and_then(|current| current.floor) } else { revision };
        let Candidate { value, effective, redactor, .. } = candidate;
        let snapshot = Snapshot {
            generation,
            at: Zoned::now(),
            digest: effective.digest(),
            revision,
            floor,
            value,
            derived: (),
            effective,
            pending: Mutex::new(None),
        };
        match catch_panic(|| (self.derive)(&snapshot, current)) {
            Some(derived) => Ok((snapshot.with_derived(derived), redactor)),
            None => Err(Problem::plain("the code that derives from this configuration panicked").into()),
        }
    }

    fn revision(&self, candidate: &Candidate<T>) -> Option<u64> {
        self.revisions.key.as_deref().and_then(|key| candidate.effective.number(key))
    }

    /// Refuses an edit that lowers or drops the revision: it was made from an old copy.
    fn refuse_stale(&self, old: Option<u64>, new: Option<u64>, redactor: &Redactor) -> Result<(), Diagnosis> {
        let (Some(key), Some(old)) = (&self.revisions.key, old) else { return Ok(()) };
        let stale = match new {
            _ if self.revisions.allow_rollback => return Ok(()),
            Some(new) if new >= old => return Ok(()),
            Some(new) => format!("stale: revision {new} is lower than {old}, which is in force"),
            None => format!("stale: there is no revision, and {old} is in force"),
        };
        let help = "start from the newest copy and raise the revision";
        Err(redactor.rejected(&Rejection::new(key, stale).help(help)).into())
    }

    /// Asks all consumers. If one rejects or panics, what the others prepared is dropped.
    fn prepare(
        &self,
        old: &Snapshot<T, D>,
        new: &Snapshot<T, D>,
        redactor: &Redactor,
    ) -> Result<Vec<Commit>, Diagnosis> {
        let (mut commits, mut problems) = (Vec::new(), Vec::new());
        for answer in self.consumers.call_all(|prepare| prepare(old, new)) {
            match answer {
                Some(Ok(commit)) => commits.push(commit),
                Some(Err(rejection)) => problems.push(redactor.rejected(&rejection)),
                None => problems
                    .push(Problem::plain("a consumer panicked while it prepared for this configuration")),
            }
        }
        if problems.is_empty() {
            return Ok(commits);
        }
        for commit in commits {
            catch_panic(|| drop(commit));
        }
        Err(Diagnosis::new(problems))
    }

    fn follow(&self, new: &T) {
        locked(&self.followers).retain(|follow| catch_panic(|| follow(new)).unwrap_or(true));
    }

    /// Records an attempt, tells of it, and answers the change at run time that it contained.
    fn decided(
        &self,
        generation: u64,
        trigger: filewatch::Trigger,
        outcome: Outcome,
        changed: Vec<Change>,
        error: Option<Diagnosis>,
    ) {
        let rollout::Decided { refused, is_canary, by_source } =
            self.rollout.decide(outcome != Outcome::Rejected);
        if let Some(refused) = refused {
            let generation = if outcome == Outcome::Accepted { generation - 1 } else { generation };
            self.record(canary_rejected(generation, refused));
        }
        let (decided, over) = self.runtime.settle(outcome != Outcome::Rejected);
        let cause = decided.as_ref().map(|decided| decided.key.clone()).or(over.into_iter().next());
        let cause = cause.map(Origin::Runtime);
        let refused = decided.as_ref().and_then(|decided| decided.refused.clone());
        let is_refused = refused.is_some();
        if is_refused {
            let generation = if outcome == Outcome::Accepted { generation - 1 } else { generation };
            let (trigger, outcome) = (Trigger::Override, Outcome::Rejected);
            let origin = cause.clone();
            self.record(Decision {
                generation,
                trigger,
                origin,
                is_canary,
                outcome,
                changed: Vec::new(),
                error: refused,
            });
        }
        let (trigger, origin) = match cause {
            Some(origin) if !is_refused => (Trigger::Override, Some(origin)),
            _ if by_source && trigger == filewatch::Trigger::Request => (Trigger::Source, None),
            _ => (trigger.into(), None),
        };
        // A build that found nothing else was asked for because of the refused change alone.
        if !(is_refused && (outcome, trigger) == (Outcome::Unchanged, Trigger::Request)) {
            self.record(Decision { generation, trigger, origin, is_canary, outcome, changed, error });
        }
        if let Some(decided) = decided {
            if decided.more
                && let Some(again) = self.again.get()
            {
                again.reload();
            }
            decided.answer();
        }
    }

    fn record(&self, decision: Decision) {
        let attempt = self.log().record(decision);
        self.tell(&Event::Attempt(attempt));
    }

    fn tell(&self, event: &Event) {
        self.listeners.call(|listener| listener.tell(event));
    }

    fn log(&self) -> MutexGuard<'_, AttemptLog> {
        locked(&self.log)
    }
}

/// The decision about a canary that this process has rejected. The text without it was judged by itself.
fn canary_rejected(generation: u64, refused: Diagnosis) -> Decision {
    Decision {
        generation,
        trigger: Trigger::Source,
        origin: None,
        is_canary: true,
        outcome: Outcome::Rejected,
        changed: Vec::new(),
        error: Some(refused),
    }
}

/// The guarded data is never half-written, so a panic of an earlier holder does no harm.
fn locked<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
