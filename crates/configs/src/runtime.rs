//! The values that are set at run time: those in force, and those that wait for a build.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value as Json;
use tokio::sync::oneshot;

use crate::diagnosis::Diagnosis;
use crate::kept;
use crate::layers::{merge, nested};
use crate::origin::Origin;
use crate::secrets::Secrets;
use crate::set_error::SetError;
use crate::tree::{Mark, Node};

/// A value that was set at run time.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RuntimeValue {
    /// The dotted path.
    pub key: String,
    /// The value as it was given.
    pub value: Json,
    /// When it expires; `None` if it stays until it is taken back.
    pub until: Option<Timestamp>,
}

/// The values that are set at run time. The watching thread lays them over the files.
pub(crate) struct Runtime {
    state: Mutex<State>,
    /// The next expiry is another one, or the last handle was dropped.
    changed: Condvar,
    secrets: Secrets,
    flags: Vec<(String, Origin)>,
    keep: Option<PathBuf>,
}

#[derive(Default)]
struct State {
    values: BTreeMap<String, Held>,
    waiting: VecDeque<Proposal>,
    /// The proposal that the build under way contains.
    tried: Option<Proposal>,
    /// Why the build under way was repeated without it.
    refused: Option<Diagnosis>,
    is_closed: bool,
}

#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) value: Json,
    pub(crate) until: Option<Timestamp>,
    /// The same on the monotonic clock.
    deadline: Option<Instant>,
    /// A build was asked for, since it is over.
    is_told: bool,
}

/// A change of one value.
struct Proposal {
    key: String,
    /// `None` takes the value back.
    held: Option<Held>,
    answer: oneshot::Sender<Result<(), SetError>>,
}

/// The layer with the change that waits.
pub(crate) struct Changed {
    pub(crate) layer: Option<Node>,
}

/// The proposal that was decided with a build.
pub(crate) struct Decided {
    pub(crate) key: String,
    /// Why it was refused.
    pub(crate) refused: Option<Diagnosis>,
    /// Another proposal waits for a build.
    pub(crate) more: bool,
    outcome: Result<(), SetError>,
    answer: oneshot::Sender<Result<(), SetError>>,
}

impl Runtime {
    /// `flags` are the keys that a flag sets, with its origin.
    pub(crate) fn new(secrets: Secrets, flags: Vec<(String, Origin)>) -> Runtime {
        Runtime { state: Mutex::default(), changed: Condvar::new(), secrets, flags, keep: None }
    }

    /// Keeps the values in this file from now on. The values that it holds are in force with the first build.
    pub(crate) fn keep_in(&mut self, path: PathBuf) -> Result<(), Diagnosis> {
        self.state().values = kept::read(&path, &self.secrets)?;
        self.keep = Some(path);
        Ok(())
    }

    /// The values in force.
    pub(crate) fn list(&self) -> Vec<RuntimeValue> {
        let listed = |(key, held): (&String, &Held)| RuntimeValue {
            key: key.clone(),
            value: held.value.clone(),
            until: held.until,
        };
        self.state().values.iter().map(listed).collect()
    }

    /// Queues a change for the next build; `held` is `None` to take a value back. Returns where the decision comes in.
    pub(crate) fn propose(
        &self,
        key: &str,
        held: Option<Held>,
    ) -> Result<oneshot::Receiver<Result<(), SetError>>, SetError> {
        match &held {
            Some(held) => {
                tree(key, &held.value, &self.secrets)?;
                let leads_to_it = |flag: &str| {
                    key.strip_prefix(flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                };
                if let Some((_, origin)) = self.flags.iter().find(|(flag, _)| leads_to_it(flag)) {
                    return Err(SetError::HeldBy(origin.clone()));
                }
            }
            None if !self.state().values.contains_key(key) => return Err(SetError::NotSet),
            None => {}
        }
        let (answer, decision) = oneshot::channel();
        self.state().waiting.push_back(Proposal { key: key.to_owned(), held, answer });
        Ok(decision)
    }

    /// A build begins. Returns the layer without the change that waits, and with it if there is one.
    pub(crate) fn begin(&self) -> (Option<Node>, Option<Changed>) {
        let mut state = self.state();
        state.refused = None;
        if state.tried.is_none() {
            state.tried = state.waiting.pop_front();
        }
        let now = Instant::now();
        let values: BTreeMap<_, _> = state
            .values
            .iter()
            .filter(|(_, held)| !held.is_over(now))
            .map(|(key, held)| (key, &held.value))
            .collect();
        let with = state.tried.as_ref().map(|proposal| {
            let mut values = values.clone();
            match &proposal.held {
                Some(held) => values.insert(&proposal.key, &held.value),
                None => values.remove(&proposal.key),
            };
            Changed { layer: layer(&values) }
        });
        (layer(&values), with)
    }

    /// The build with the change failed. It is repeated without.
    pub(crate) fn refuse(&self, diagnosis: Diagnosis) {
        self.state().refused = Some(diagnosis);
    }

    /// The build was decided. Returns the change that it contained. Forgets the values that are over and returns their keys.
    pub(crate) fn settle(&self, is_good: bool) -> (Option<Decided>, Vec<String>) {
        let mut state = self.state();
        let now = Instant::now();
        let is_over = |held: &Held| is_good && held.is_over(now);
        let over =
            state.values.iter().filter(|(_, held)| is_over(held)).map(|(key, _)| key.clone()).collect();
        state.values.retain(|_, held| !is_over(held));
        let Some(Proposal { key, held, answer }) = state.tried.take() else { return (None, over) };
        let (refused, more) = (state.refused.take(), !state.waiting.is_empty());
        if let Some(diagnosis) = &refused {
            let outcome = Err(SetError::Rejected(diagnosis.clone()));
            return (Some(Decided { key, refused, more, outcome, answer }), over);
        }
        match held {
            Some(held) => state.values.insert(key.clone(), held),
            None => state.values.remove(&key),
        };
        self.changed.notify_all();
        let values = state.values.clone();
        drop(state);
        (Some(Decided { key, refused, more, outcome: self.keep(&values), answer }), over)
    }

    /// Calls `tell` whenever a value expires, until [`close`](Runtime::close) is called.
    pub(crate) fn watch_expiry(&self, tell: impl Fn()) {
        let mut state = self.state();
        while !state.is_closed {
            let now = Instant::now();
            let mut due = false;
            for held in state.values.values_mut().filter(|held| !held.is_told && held.is_over(now)) {
                held.is_told = true;
                due = true;
            }
            if due {
                drop(state);
                tell();
                state = self.state();
                continue;
            }
            let next =
                state.values.values().filter(|held| !held.is_told).filter_map(|held| held.deadline).min();
            state = match next {
                Some(next) => {
                    let waited = self.changed.wait_timeout(state, next.saturating_duration_since(now));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// True if a value of those in force will expire.
    pub(crate) fn has_expiry(&self) -> bool {
        self.state().values.values().any(|held| held.deadline.is_some())
    }

    /// Ends [`watch_expiry`](Runtime::watch_expiry).
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_all();
    }

    fn keep(&self, values: &BTreeMap<String, Held>) -> Result<(), SetError> {
        let Some(path) = &self.keep else { return Ok(()) };
        kept::write(path, values).map_err(|error: io::Error| {
            SetError::NotKept(format!("`{}` cannot be written: {error}", path.display()))
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Decided {
    /// Tells the caller that waits. One that does not wait any longer is no failure.
    pub(crate) fn answer(self) {
        let _ = self.answer.send(self.outcome);
    }
}

impl Held {
    /// A value that stays for `lasting` from now on, or until it is taken back.
    pub(crate) fn new(value: Json, lasting: Option<Duration>) -> Held {
        let deadline = lasting.and_then(|lasting| Instant::now().checked_add(lasting));
        let until = lasting.and_then(|lasting| Timestamp::now().checked_add(lasting).ok());
        Held { value, until, deadline, is_told: false }
    }

    /// A value that stays until a time; `None` if that is in the past.
    pub(crate) fn kept(value: Json, until: Option<Timestamp>) -> Option<Held> {
        let Some(until) = until else { return Some(Held::new(value, None)) };
        let rest =
            Duration::try_from(until.duration_since(Timestamp::now())).ok().filter(|rest| !rest.is_zero())?;
        Some(Held { value, until: Some(until), deadline: Instant::now().checked_add(rest), is_told: false })
    }

    fn is_over(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }
}

/// The tree of one value, or the reason for which it cannot be set at run time.
pub(crate) fn tree(key: &str, value: &Json, secrets: &Secrets) -> Result<Node, SetError> {
    let path: Vec<&str> = key.split('.').collect();
    if path.iter().any(|part| part.is_empty()) || key.contains(char::is_whitespace) {
        return Err(SetError::Malformed);
    }
    let mark = Mark::of(Origin::Runtime(key.to_owned()));
    let mut node = nested(&path, Node::of_json(value, &mark), &mark);
    // `password_file` is a secret like `password`.
    secrets.redirect(&mut node, std::path::Path::new("")).map_err(|_| SetError::Secret)?;
    if secrets.are_in(&node) { Err(SetError::Secret) } else { Ok(node) }
}

fn layer(values: &BTreeMap<&String, &Json>) -> Option<Node> {
    // Secrets were refused before.
    let trees = values.iter().filter_map(|(key, value)| tree(key, value, &Secrets::default()).ok());
    trees.reduce(merge)
}
