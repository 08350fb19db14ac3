//! The configuration in force.

use std::fmt::{Debug, Formatter};
use std::sync::Arc;

use arc_swap::Guard;
use filewatch::{Live, Watch};
use garde::Validate;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::builder::Builder;
use crate::diagnosis::{Diagnosis, Rejection};
use crate::history::{Attempt, Event};
use crate::listener::Listener;
use crate::reload::Reload;
use crate::snapshot::Snapshot;
use crate::subscription::Subscription;

/// What is asked of a type of settings: that serde can make one and garde can check it.
pub trait Configurable: DeserializeOwned + Validate<Context = ()> + Send + Sync + 'static {}

impl<T: DeserializeOwned + Validate<Context = ()> + Send + Sync + 'static> Configurable for T {}

/// What a consumer does once an edit that it agreed to is in force. Dropped when another consumer did not agree.
pub type Commit = Box<dyn FnOnce() + Send>;

/// The commit of a consumer that has nothing to do.
pub fn nothing() -> Commit {
    Box::new(|| ())
}

/// Settings of type `T`, kept in step with their files. Cheap to clone; dropping the last handle ends the watching.
///
/// A callback that holds a handle keeps the watching alive: it is given all that it needs as arguments.
pub struct Configs<T, D = ()> {
    live: Live<Snapshot<T, D>>,
    reload: Arc<Reload<T, D>>,
}

/// Reads the configuration in force without keeping it in step with its files: for a callback of another live value.
pub struct Reader<T, D = ()>(Live<Snapshot<T, D>>);

impl<T: Configurable> Configs<T> {
    /// Begins with no layers at all.
    pub fn builder() -> Builder<T> {
        Builder::new()
    }
}

impl<T: Configurable, D: Send + Sync + 'static> Configs<T, D> {
    /// The configuration in force, for plain code: a few nanoseconds. Not to be held across an `.await`.
    pub fn load(&self) -> Guard<Arc<Snapshot<T, D>>> {
        self.live.load()
    }

    /// The configuration in force, owned: take one for each unit of work, such as a request.
    pub fn snapshot(&self) -> Arc<Snapshot<T, D>> {
        self.live.snapshot()
    }

    /// A handle that reads the configuration in force and keeps no watching alive.
    pub fn reader(&self) -> Reader<T, D> {
        Reader(self.live.reader())
    }

    /// Asks a consumer before an edit is put in force, with the configuration in force and the candidate.
    ///
    /// All consumers are asked. If one rejects or panics, nothing changes and what the others prepared is dropped; if all
    /// agree, the commits run in order, right after the swap. It is called on the thread that watches.
    ///
    /// A consumer starts from what [`load`](Configs::load) says after this call, and is asked about every later edit. So this
    /// waits until an edit that is under way is decided; a consumer that registers another one does not wait, and that one is
    /// asked about the same edit. A consumer must not wait for a thread that is in this call.
    pub fn on_prepare(
        &self,
        prepare: impl FnMut(&Snapshot<T, D>, &Snapshot<T, D>) -> Result<Commit, Rejection> + Send + 'static,
    ) {
        self.reload.add_consumer(Box::new(prepare));
    }

    /// Tells of every attempt after it was decided, and of what slows the noticing of changes, on the thread that watches;
    /// what slows it already is told now, in here. A panic in a listener harms nobody.
    pub fn on_event(&self, listener: impl FnMut(&Event) + Send + 'static) {
        let listener = Listener::new(listener);
        self.reload.listeners.add(listener.clone());
        listener.catch_up(|| self.live.degraded());
    }

    /// Follows a part: the subscription hears of it if and only if it changed. `part` should do no more than look.
    pub fn watch<U: PartialEq + Clone + Send + Sync + 'static>(
        &self,
        part: impl Fn(&T) -> U + Send + Sync + 'static,
    ) -> Subscription<U> {
        self.reload.add_follower(|| {
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

    /// The attempts, newest first, at most 50.
    pub fn history(&self) -> Vec<Attempt> {
        self.reload.history()
    }

    /// Reads everything again, even if no byte differs, and a file that was rejected too; returns at once.
    pub fn reload(&self) {
        self.live.reload();
    }

    /// Why changes may be noticed later than they should be; empty is good.
    pub fn degraded(&self) -> Vec<filewatch::Degraded> {
        self.live.degraded()
    }

    pub(crate) fn open(reload: Reload<T, D>, watch: Watch) -> Result<Configs<T, D>, Diagnosis> {
        let reload = Arc::new(reload);
        let (builder, listener) = (Arc::clone(&reload), Arc::clone(&reload));
        let live = Live::open(
            watch,
            move |files, current| builder.build(files, current),
            move |notice| listener.notice(notice),
        )?;
        Ok(Configs { live, reload })
    }
}

impl<T: Configurable, D: Send + Sync + 'static> Reader<T, D> {
    /// The configuration in force, for plain code: a few nanoseconds. Not to be held across an `.await`.
    pub fn load(&self) -> Guard<Arc<Snapshot<T, D>>> {
        self.0.load()
    }

    /// The configuration in force, owned: take one for each unit of work, such as a request.
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

impl<T: JsonSchema> Configs<T> {
    /// The JSON Schema of `T`, indented.
    pub fn schema() -> String {
        let schema = schemars::schema_for!(T);
        serde_json::to_string_pretty(&schema).expect("a schema is JSON")
    }
}

impl<T, D> Clone for Configs<T, D> {
    fn clone(&self) -> Configs<T, D> {
        Configs { live: self.live.clone(), reload: Arc::clone(&self.reload) }
    }
}

impl<T, D> Debug for Configs<T, D> {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Configs").finish_non_exhaustive()
    }
}
