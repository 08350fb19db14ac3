//! The handle to a configuration.

use std::fmt::{Debug, Formatter};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::Guard;
use filewatch::{Degraded, Live, Options};
use tokio::sync::watch;

use crate::canary::Variant;
use crate::commit::Commit;
use crate::configurable::Configurable;
use crate::diagnosis::Diagnosis;
use crate::effective::EffectiveValue;
use crate::expiry::Expiry;
use crate::history::{Attempt, Event};
use crate::listener::Listener;
use crate::problem::Problem;
use crate::rejection::Rejection;
use crate::reload::Reload;
use crate::runtime::{Held, RuntimeValue};
use crate::set_error::SetError;
use crate::snapshot::Snapshot;
use crate::source::SourceStatus;
use crate::subscription::Subscription;

/// Settings of type `T`, kept in step with their files. Cheap to clone; dropping the last handle ends the watching.
///
/// A callback that holds a handle keeps the watching alive. Use the callback's arguments, or a [`reader`](Configs::reader).
pub struct Configs<T, D = ()> {
    live: Live<Snapshot<T, D>>,
    reload: Arc<Reload<T, D>>,
    expiry: Arc<Expiry>,
}

/// A handle that only reads the configuration in force. It keeps no watching alive, so any callback may hold one.
pub struct Reader<T, D = ()>(Live<Snapshot<T, D>>);

impl<T: Configurable, D: Send + Sync + 'static> Configs<T, D> {
    /// The configuration in force, for plain code. It takes a few nanoseconds. Do not hold it across an `.await`.
    pub fn load(&self) -> Guard<Arc<Snapshot<T, D>>> {
        self.live.load()
    }

    /// The configuration in force, owned. Take one for each unit of work, such as a request.
    pub fn snapshot(&self) -> Arc<Snapshot<T, D>> {
        self.live.snapshot()
    }

    /// A handle that reads the configuration in force and keeps no watching alive.
    pub fn reader(&self) -> Reader<T, D> {
        Reader(self.live.reader())
    }

    /// Registers a consumer: `prepare` is asked before an edit is put in force, with the snapshot in force and the new one.
    ///
    /// All consumers are asked. If one rejects or panics, nothing changes, and what the others prepared is dropped. If all
    /// agree, the value is swapped, and the commits run right after it, in order. All of this happens on the thread that watches.
    ///
    /// Read [`load`](Configs::load) after this call: the consumer is asked about every later edit. Therefore this waits
    /// until an edit that is under way is decided. A consumer that registers another one does not wait; the new one is asked
    /// about the same edit. A consumer must not wait for a thread that is in this call.
    pub fn on_prepare(
        &self,
        prepare: impl FnMut(&Snapshot<T, D>, &Snapshot<T, D>) -> Result<Commit, Rejection> + Send + 'static,
    ) {
        self.reload.consumers.add(Box::new(prepare));
    }

    /// Registers a listener. It is told of every attempt after it was decided, and of every way in which changes are noticed
    /// late. It runs on the thread that watches. A state that is degraded already is told in here. A panic in a listener is
    /// caught.
    pub fn on_event(&self, listener: impl FnMut(&Event) + Send + 'static) {
        let listener = Listener::new(listener);
        self.reload.listeners.add(listener.clone());
        listener.catch_up(|| self.live.degraded());
    }

    /// Follows a part: the subscription resolves if and only if the part changed. `part` runs on the thread that watches, so it
    /// should be quick.
    pub fn watch<U: PartialEq + Clone + Send + Sync + 'static>(
        &self,
        part: impl Fn(&T) -> U + Send + Sync + 'static,
    ) -> Subscription<U> {
        self.reload.followers.add(|| {
            let (sender, receiver) = watch::channel(part(&self.load()));
            let follow = move |value: &T| {
                let value = part(value);
                let differs = *sender.borrow() != value;
                if differs {
                    sender.send_replace(value);
                }
                !sender.is_closed()
            };
            (Box::new(follow), Subscription::new(receiver))
        })
    }

    /// Sets a value at run time by its dotted path, and waits until it is in force. It lies over the files and the environment,
    /// and below the flags. It stays for `lasting`, or until [`unset`](Configs::unset). A restart forgets it, unless
    /// [`Builder::keep_overrides`](crate::Builder::keep_overrides) names a file.
    ///
    /// It is an edit: checked, offered to the consumers, part of the history. While a file is broken, it is rejected for that.
    /// A secret is refused. It must not be awaited on the thread that watches.
    pub async fn set(
        &self,
        key: &str,
        value: serde_json::Value,
        lasting: Option<Duration>,
    ) -> Result<(), SetError> {
        if lasting.is_some() {
            self.expiry.start().map_err(|error| SetError::System(error.to_string()))?;
        }
        self.decide(key, Some(Held::new(value, lasting))).await
    }

    /// Takes back a value that was set at run time, and waits until the one below it is in force.
    pub async fn unset(&self, key: &str) -> Result<(), SetError> {
        self.decide(key, None).await
    }

    /// The values that were set at run time, sorted by key.
    pub fn overrides(&self) -> Vec<RuntimeValue> {
        self.reload.runtime.list()
    }

    /// The values in force, sorted by path, each with its origin. Secrets read `***`. A list is one value. A default
    /// that the type itself gives, and no layer, is not listed.
    pub fn values(&self) -> Vec<EffectiveValue> {
        self.reload.origins.values(&self.live.load().effective)
    }

    /// The attempts, newest first, at most 50.
    pub fn history(&self) -> Vec<Attempt> {
        self.reload.history()
    }

    /// The states of the sources, in order.
    pub fn sources(&self) -> Vec<SourceStatus> {
        self.reload.rollout.statuses()
    }

    /// The version of the sources' texts that is in force here.
    pub fn variant(&self) -> Variant {
        self.reload.rollout.variant()
    }

    /// Reads everything again, even if no byte differs, and asks the sources for their newest texts. Returns at once.
    pub fn reload(&self) {
        self.reload.rollout.refresh();
        self.live.reload();
    }

    /// A handle that asks for the sources to be read again, and does not keep the watching alive.
    pub fn reload_handle(&self) -> filewatch::ReloadHandle {
        self.live.reload_handle()
    }

    /// Why changes may be noticed late; empty when they are not.
    pub fn degraded(&self) -> Vec<Degraded> {
        self.live.degraded()
    }

    pub(crate) fn open(reload: Reload<T, D>, watch: Options) -> Result<Configs<T, D>, Diagnosis> {
        let reload = Arc::new(reload);
        let (builder, listener) = (Arc::clone(&reload), Arc::clone(&reload));
        let live = Live::open(
            watch,
            move |files, current| builder.build(files, current),
            move |notice| listener.notice(notice),
        )?;
        if live.degraded().contains(&Degraded::NoThread) {
            let refused = Problem::plain("the system refused a thread to watch the files");
            return Err(refused.help("raise `ulimit -u` or `TasksMax`").into());
        }
        let again = live.reload_handle();
        reload.opened(again.clone());
        let expiry = Arc::new(Expiry::new(Arc::clone(&reload.runtime), again));
        if reload.runtime.has_expiry() {
            let refused = |error| Problem::plain(format!("the system refused a thread: {error}"));
            expiry.start().map_err(refused)?;
        }
        Ok(Configs { live, reload, expiry })
    }

    async fn decide(&self, key: &str, held: Option<Held>) -> Result<(), SetError> {
        let decision = self.reload.runtime.propose(key, held)?;
        self.live.reload();
        decision.await.unwrap_or(Err(SetError::Closed))
    }
}

impl<T: Configurable, D: Send + Sync + 'static> Reader<T, D> {
    /// The configuration in force, for plain code. It takes a few nanoseconds. Do not hold it across an `.await`.
    pub fn load(&self) -> Guard<Arc<Snapshot<T, D>>> {
        self.0.load()
    }

    /// The configuration in force, owned. Take one for each unit of work, such as a request.
    pub fn snapshot(&self) -> Arc<Snapshot<T, D>> {
        self.0.snapshot()
    }
}

impl<T, D> Clone for Reader<T, D> {
    fn clone(&self) -> Reader<T, D> {
        Reader(self.0.clone())
    }
}

impl<T, D> Debug for Reader<T, D> {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Reader").finish_non_exhaustive()
    }
}

#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> Configs<T> {
    /// The JSON Schema of `T`, indented.
    pub fn schema() -> String {
        let schema = schemars::schema_for!(T);
        serde_json::to_string_pretty(&schema).expect("a schema is JSON")
    }
}

impl<T, D> Clone for Configs<T, D> {
    fn clone(&self) -> Configs<T, D> {
        let (reload, expiry) = (Arc::clone(&self.reload), Arc::clone(&self.expiry));
        Configs { live: self.live.clone(), reload, expiry }
    }
}

impl<T, D> Debug for Configs<T, D> {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Configs").finish_non_exhaustive()
    }
}
