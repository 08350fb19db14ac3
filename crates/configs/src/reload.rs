//! One attempt, from reading the files to the last listener.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use filewatch::{Files, Notice, ReloadHandle};
use jiff::Zoned;

use crate::attempt_log::{AttemptLog, Decision};
use crate::callbacks::{Callbacks, catch_panic};
use crate::configurable::Configurable;
use crate::consumers::Consumers;
use crate::diagnosis::Diagnosis;
use crate::followers::Followers;
use crate::history::{Attempt, Change, Event, Outcome, Trigger};
use crate::listener::Listener;
use crate::loader::{Candidate, Loader, Parts, Versions};
use crate::origin::Origin;
use crate::origins::Origins;
use crate::pending::Pending;
use crate::problem::Problem;
use crate::redactor::Redactor;
use crate::revisions::Revisions;
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
    pub(crate) consumers: Consumers<T, D>,
    pub(crate) listeners: Callbacks<Listener>,
    pub(crate) followers: Followers<T>,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) rollout: Rollout,
    /// Asks for another build. Set when the watching has begun.
    pub(crate) again: OnceLock<ReloadHandle>,
    pub(crate) origins: Origins,
    log: Mutex<AttemptLog>,
}

/// Makes what belongs to a new value; the second argument is the snapshot in force, if there is one.
pub(crate) type Derive<T, D> = Box<dyn Fn(&Snapshot<T>, Option<&Snapshot<T, D>>) -> D + Send + Sync>;

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
            consumers: Consumers::new(),
            listeners: Callbacks::new(),
            followers: Followers::new(),
            runtime: Arc::new(runtime),
            again: OnceLock::new(),
            origins: Origins::default(),
            log: Mutex::new(AttemptLog::new()),
        }
    }

    /// Reads, checks and compares an edit, then asks the consumers. Returns `None` when no value differs from `current`.
    ///
    /// If a value that is set at run time makes it fail, it is repeated without that value. So the files are judged by
    /// themselves.
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
        match current {
            Some(_) => self.origins.propose(origins),
            None => self.origins.start(origins),
        }
        Ok(built)
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
                let _former = self.origins.swap();
                self.followers.pass(new);
                self.decided(new.generation, trigger, Outcome::Accepted, changed, None);
                // No request has to make it.
                new.digest();
            }
            Notice::Unchanged { current, trigger } => {
                let _former = self.origins.swap();
                self.decided(current.generation, trigger, Outcome::Unchanged, Vec::new(), None);
            }
            Notice::Rejected { error, current, trigger } => {
                self.decided(current.generation, trigger, Outcome::Rejected, Vec::new(), Some(error));
            }
            Notice::Degraded(reason) => self.tell(&Event::Degraded(reason)),
            Notice::Recovered(reason) => self.tell(&Event::Recovered(reason)),
        }
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
            self.log().record(Decision::canary_rejected(1, refused));
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
        let revision = self.revisions.of(&candidate.effective);
        self.revisions.refuse_stale(old.floor, revision, &candidate.redactor)?;
        let (new, redactor) = self.snapshot(old.generation + 1, candidate, Some(old))?;
        let (commits, under_way) = self.consumers.prepare(old, &new, &redactor)?;
        *locked(&new.pending) = Some(Pending::new(commits, changed, redactor, under_way));
        Ok(Some(new))
    }

    fn snapshot(
        &self,
        generation: u64,
        candidate: Candidate<T>,
        current: Option<&Snapshot<T, D>>,
    ) -> Result<(Snapshot<T, D>, Redactor), Diagnosis> {
        let revision = self.revisions.of(&candidate.effective);
        // A canary that is withdrawn lowers the revision again.
        let is_canary = self.rollout.has_canary();
        let floor = if is_canary { current.and_then(|current| current.floor) } else { revision };
        let Candidate { value, effective, redactor, .. } = candidate;
        let snapshot = Snapshot {
            generation,
            at: Zoned::now(),
            digest: OnceLock::new(),
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
        let before = generation - u64::from(outcome == Outcome::Accepted);
        if let Some(refused) = refused {
            self.record(Decision::canary_rejected(before, refused));
        }
        let (decided, over) = self.runtime.settle(outcome != Outcome::Rejected);
        let cause = decided.as_ref().map(|decided| decided.key.clone()).or(over.into_iter().next());
        let cause = cause.map(Origin::Runtime);
        let refused = decided.as_ref().and_then(|decided| decided.refused.clone());
        let is_refused = refused.is_some();
        if let Some(refused) = refused {
            self.record(Decision::override_rejected(before, cause.clone(), is_canary, refused));
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

/// The guarded data is never half-written, so a panic of an earlier holder does no harm.
fn locked<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
