//! The value, its readers' handle, and the thread that keeps it in step.

use crate::degraded::Degraded;
use crate::engine::{Engine, Turn};
use crate::files::Files;
use crate::message::Message;
use crate::options::Options;
use crate::rebuild_lock::RebuildLock;
use crate::sender::Sender;

use arc_swap::{ArcSwap, Guard};
use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe};
#[cfg(feature = "testing")]
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Upper bound on how long `open` waits for its files to stop changing.
const LONGEST_START: Duration = Duration::from_secs(5);

/// A value that is rebuilt when the files change that it was built from.
///
/// A clone is cheap. Dropping the last handle ends the watching and waits for its thread.
pub struct Live<T> {
    value: Arc<ArcSwap<T>>,
    watching: Option<Arc<Watching>>,
}

/// Requests rebuilds of a [`Live`] value and does not keep its watching alive.
///
/// A build or a notice of a value that shares the [`RebuildLock`] may use and drop it, which it must not do with a [`Live`].
#[derive(Clone, Debug)]
pub struct ReloadHandle {
    sender: Option<Sender>,
}

/// Why a build runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// The first build, in `open`.
    Start,
    /// An event told of a change.
    Event,
    /// The poll found a change.
    Poll,
    /// [`Live::reload`] was called.
    Request,
}

/// The outcome of a rebuild, or a change of the watching itself.
#[derive(Debug)]
pub enum Notice<'a, T, E> {
    /// A new value is in force.
    Published {
        /// The value that was in force before.
        old: &'a Arc<T>,
        /// The value in force now.
        new: &'a Arc<T>,
        /// Why it was built.
        trigger: Trigger,
    },
    /// Bytes differed, or it was asked for, but the build had nothing to swap.
    Unchanged {
        /// The value in force, as before.
        current: &'a Arc<T>,
        /// Why it was built.
        trigger: Trigger,
    },
    /// The build failed; the last good value stays.
    Rejected {
        /// The error of the build.
        error: E,
        /// The value in force, as before.
        current: &'a Arc<T>,
        /// Why it was built.
        trigger: Trigger,
    },
    /// Changes may be noticed late from now on.
    Degraded(Degraded),
    /// This is over.
    Recovered(Degraded),
}

/// State that the handles share with the watching thread.
struct Watching {
    sender: Sender,
    degraded: Arc<Mutex<Vec<Degraded>>>,
    thread: Option<JoinHandle<()>>,
}

/// The watching thread.
struct Worker<T, B, N> {
    value: Arc<ArcSwap<T>>,
    rebuild_lock: RebuildLock,
    engine: Engine,
    build: B,
    notice: N,
    degraded: Arc<Mutex<Vec<Degraded>>>,
    reported: BTreeSet<Degraded>,
}

impl<T: Send + Sync + 'static> Live<T> {
    /// Builds on the caller's thread, then watches exactly the files that the build read. The error is the build's own.
    ///
    /// `build` gets the value in force, or `None` for the first build. It returns `Ok(None)` if there is nothing to swap, but not from
    /// the first build. It is called again when a byte differs from what it was given last, and on [`reload`](Live::reload). If
    /// the files change while they are read, its result is dropped without a notice and it is called again. In `open` that goes
    /// on for at most five seconds.
    ///
    /// `notice` is called on the watching thread after every rebuild, and after the swap if there was one.
    ///
    /// A panic of the first build reaches the caller. A panic of a later one changes nothing, and the next change builds again. A panic of
    /// `notice` is caught.
    pub fn open<E: Send + 'static>(
        options: Options,
        mut build: impl FnMut(&mut Files<'_>, Option<&Arc<T>>) -> Result<Option<T>, E> + Send + 'static,
        notice: impl FnMut(Notice<'_, T, E>) + Send + 'static,
    ) -> Result<Self, E> {
        let rebuild_lock = options.rebuild_lock.clone();
        let mut engine = Engine::open(options);
        let end = Instant::now() + LONGEST_START;
        let first = loop {
            let outcome = build(&mut engine.files(Trigger::Start), None);
            if engine.confirms_first(outcome.is_err(), end) {
                break outcome?.expect("the first build returns a value");
            }
        };
        engine.accept();
        let value = Arc::new(ArcSwap::from_pointee(first));
        let sender = engine.sender();
        let degraded = Arc::new(Mutex::new(engine.faults().into_iter().collect()));
        let worker = Worker {
            value: Arc::clone(&value),
            rebuild_lock,
            engine,
            build,
            notice,
            degraded: Arc::clone(&degraded),
            reported: BTreeSet::new(),
        };
        let thread = Some(thread::spawn(move || worker.run()));
        Ok(Self { value, watching: Some(Arc::new(Watching { sender, degraded, thread })) })
    }

    /// A value that never changes and watches nothing.
    pub fn fixed(value: T) -> Self {
        Self { value: Arc::new(ArcSwap::from_pointee(value)), watching: None }
    }

    /// The value in force, borrowed: takes a few nanoseconds. Do not hold it across an `.await`, nor for long.
    pub fn load(&self) -> Guard<Arc<T>> {
        self.value.load()
    }

    /// The value in force, owned. Take one for each unit of work.
    pub fn snapshot(&self) -> Arc<T> {
        self.value.load_full()
    }

    /// A handle that reads the same value and does not keep the watching alive, for a build or a notice of another live value.
    /// Its [`reload`](Live::reload) does nothing.
    #[must_use]
    pub fn reader(&self) -> Self {
        Self { value: Arc::clone(&self.value), watching: None }
    }

    /// Requests a rebuild, even if no byte differs. Returns at once.
    pub fn reload(&self) {
        self.reload_handle().reload();
    }

    /// A handle that requests rebuilds and does not keep the watching alive.
    pub fn reload_handle(&self) -> ReloadHandle {
        ReloadHandle { sender: self.watching.as_ref().map(|watching| watching.sender.clone()) }
    }

    /// For tests: waits until every event so far was taken in, everything was looked at, every notice was given, and nothing is
    /// pending. Returns at once when the watching has ended.
    #[cfg(feature = "testing")]
    pub fn settled(&self) {
        let Some(watching) = &self.watching else { return };
        let (waiter, settled) = mpsc::channel();
        watching.sender.send(Message::WhenSettled(waiter));
        // The other end is dropped when the thread ends.
        let _ = settled.recv();
    }

    /// Why changes may be noticed late now. Empty when they are not.
    pub fn degraded(&self) -> Vec<Degraded> {
        let watching = self.watching.as_ref();
        let degraded = |watching: &Arc<Watching>| {
            watching.degraded.lock().unwrap_or_else(PoisonError::into_inner).clone()
        };
        watching.map(degraded).unwrap_or_default()
    }
}

impl ReloadHandle {
    /// Requests a rebuild, even if no byte differs. Returns at once. Does nothing after the last handle of the value was dropped.
    pub fn reload(&self) {
        if let Some(sender) = &self.sender {
            sender.send(Message::Rebuild);
        }
    }
}

impl<T, E, B, N> Worker<T, B, N>
where
    B: FnMut(&mut Files<'_>, Option<&Arc<T>>) -> Result<Option<T>, E>,
    N: FnMut(Notice<'_, T, E>),
{
    fn run(mut self) {
        self.report();
        loop {
            match self.engine.wait() {
                Turn::Stop => return,
                Turn::Report => {}
                Turn::Read if !self.engine.read() => {}
                Turn::Read if self.engine.wants_build() => self.rebuild(),
                Turn::Read => self.engine.skip(),
            }
            self.report();
            self.engine.answer();
        }
    }

    fn rebuild(&mut self) {
        let lock = self.rebuild_lock.clone();
        let _held = lock.hold();
        let trigger = self.engine.trigger();
        let current = self.value.load_full();
        let (build, engine) = (&mut self.build, &mut self.engine);
        let outcome =
            panic::catch_unwind(AssertUnwindSafe(|| build(&mut engine.files(trigger), Some(&current))));
        let Ok(outcome) = outcome else { return self.engine.accept_panicked() };
        if !self.engine.confirms() {
            return self.engine.discard();
        }
        self.engine.accept();
        match outcome {
            Ok(Some(new)) => {
                let new = Arc::new(new);
                self.value.store(Arc::clone(&new));
                self.tell(Notice::Published { old: &current, new: &new, trigger });
            }
            Ok(None) => self.tell(Notice::Unchanged { current: &current, trigger }),
            Err(error) => self.tell(Notice::Rejected { error, current: &current, trigger }),
        }
    }

    /// Gives a notice of everything that became degraded, and of everything that no longer is.
    fn report(&mut self) {
        let Some(faults) = self.engine.known_faults().filter(|faults| *faults != self.reported) else {
            return;
        };
        *self.degraded.lock().unwrap_or_else(PoisonError::into_inner) = faults.iter().copied().collect();
        let before = std::mem::replace(&mut self.reported, faults.clone());
        for fault in faults.difference(&before) {
            self.tell(Notice::Degraded(*fault));
        }
        for fault in before.difference(&faults) {
            self.tell(Notice::Recovered(*fault));
        }
    }

    fn tell(&mut self, notice: Notice<'_, T, E>) {
        // The panic hook has reported it.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| (self.notice)(notice)));
    }
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), watching: self.watching.clone() }
    }
}

impl Trigger {
    /// `start`, `event`, `poll` or `request`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Event => "event",
            Self::Poll => "poll",
            Self::Request => "request",
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.sender.send(Message::Stop);
        // The watching thread itself may drop the last handle, in `notice`. Then it cannot wait for itself.
        let thread = self.thread.take().filter(|thread| thread.thread().id() != thread::current().id());
        if let Some(thread) = thread {
            // Panics of the build and of the notice are caught in it.
            let _ = thread.join();
        }
    }
}
