//! The value, its readers' handle, and the thread that keeps it in step.

use crate::degraded::Degraded;
use crate::event::Hint;
use crate::files::Files;
use crate::letters::Letters;
use crate::options::Options;
use crate::rebuild_lock::RebuildLock;
use crate::scout::{Scout, Turn};
use arc_swap::{ArcSwap, Guard};
use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// So long does `open` wait for files that do not come to rest.
const LONGEST_START: Duration = Duration::from_secs(5);

/// A value kept in step with the files it was built from.
///
/// Cheap to clone; dropping the last handle ends the watching, and waits for its thread.
pub struct Live<T> {
    value: Arc<ArcSwap<T>>,
    watching: Option<Arc<Watching>>,
}

/// Asks for rebuilds of a [`Live`] value, and does not keep its watching alive.
///
/// So it may be used by a build or a notice of a value that shares the [`RebuildLock`], where a handle must not be dropped.
#[derive(Clone, Debug)]
pub struct ReloadHandle {
    letters: Option<Letters>,
}

/// Why a build runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// The first build, in `open`.
    Start,
    /// The system told of a change.
    Event,
    /// Looking found a change.
    Poll,
    /// [`Live::reload`] was called.
    Request,
}

/// What became of an attempt to rebuild, or of the watching itself.
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
        /// What the build said.
        error: E,
        /// The value in force, as before.
        current: &'a Arc<T>,
        /// Why it was built.
        trigger: Trigger,
    },
    /// Watching is less than it should be from now on.
    Degraded(Degraded),
    /// That is over.
    Recovered(Degraded),
}

/// What the handles share with the watching thread.
struct Watching {
    letters: Letters,
    degraded: Arc<Mutex<Vec<Degraded>>>,
    thread: Option<JoinHandle<()>>,
}

/// What the watching thread has.
struct Keeper<T, B, N> {
    value: Arc<ArcSwap<T>>,
    rebuild_lock: RebuildLock,
    scout: Scout,
    build: B,
    notice: N,
    degraded: Arc<Mutex<Vec<Degraded>>>,
    reported: BTreeSet<Degraded>,
}

impl<T: Send + Sync + 'static> Live<T> {
    /// Builds on the caller's thread, then watches exactly what the build read. The error is the build's own.
    ///
    /// `build` is given the value in force, or `None` in here, where there is none yet. It
    /// returns `Ok(None)` for "nothing to swap", though never in here. A value that it returns is dropped, without a notice, if the
    /// files changed while they were read. It is called again, with
    /// other bytes, when some bytes differ from those it was given last, or on [`reload`](Live::reload); in here only if a file was
    /// changed while it was read, for at most five seconds.
    ///
    /// `notice` hears, on the watching thread, of every attempt after it was decided (after the swap, if there was one).
    ///
    /// A panic in the first build is the caller's. A later one changes nothing, and the next change tries again; nor does one in `notice`.
    pub fn open<E: Send + 'static>(
        options: Options,
        mut build: impl FnMut(&mut Files<'_>, Option<&Arc<T>>) -> Result<Option<T>, E> + Send + 'static,
        notice: impl FnMut(Notice<'_, T, E>) + Send + 'static,
    ) -> Result<Self, E> {
        let rebuild_lock = options.rebuild_lock.clone();
        let mut scout = Scout::open(options);
        let end = Instant::now() + LONGEST_START;
        let first = loop {
            let outcome = build(&mut scout.files(Trigger::Start), None);
            if scout.confirms_first(outcome.is_err(), end) {
                break outcome?.expect("the first build returns a value");
            }
        };
        scout.accept();
        let value = Arc::new(ArcSwap::from_pointee(first));
        let letters = scout.letters();
        let degraded = Arc::new(Mutex::new(scout.faults().into_iter().collect()));
        let keeper = Keeper {
            value: Arc::clone(&value),
            rebuild_lock,
            scout,
            build,
            notice,
            degraded: Arc::clone(&degraded),
            reported: BTreeSet::new(),
        };
        let thread = Some(thread::spawn(move || keeper.run()));
        Ok(Self { value, watching: Some(Arc::new(Watching { letters, degraded, thread })) })
    }

    /// A value that never changes, and watches nothing.
    pub fn fixed(value: T) -> Self {
        Self { value: Arc::new(ArcSwap::from_pointee(value)), watching: None }
    }

    /// The value in force, for plain code: a few nanoseconds. Not to be held across an `.await`, nor for long.
    pub fn load(&self) -> Guard<Arc<T>> {
        self.value.load()
    }

    /// The value in force, owned: one for each unit of work.
    pub fn snapshot(&self) -> Arc<T> {
        self.value.load_full()
    }

    /// A handle that reads the same value and keeps no watching alive: for a build or a notice of another live value. Its
    /// [`reload`](Live::reload) does nothing.
    #[must_use]
    pub fn reader(&self) -> Self {
        Self { value: Arc::clone(&self.value), watching: None }
    }

    /// Asks for a rebuild now, even if no byte differs; returns at once.
    pub fn reload(&self) {
        self.reload_handle().reload();
    }

    /// A handle that asks for rebuilds, and does not keep the watching alive.
    pub fn reload_handle(&self) -> ReloadHandle {
        ReloadHandle { letters: self.watching.as_ref().map(|watching| watching.letters.clone()) }
    }

    /// For tests that show that nothing more comes: returns when all that happened has been heard and looked at, what it
    /// led to has been told, and nothing is under suspicion; or when the watching has ended.
    #[doc(hidden)]
    pub fn rest(&self) {
        let Some(watching) = &self.watching else { return };
        let (asked, rests) = mpsc::channel();
        watching.letters.send(Hint::Rest(asked));
        // Dropped unsent if nobody is there to answer.
        let _ = rests.recv();
    }

    /// In which ways watching is less than it should be at the moment.
    pub fn degraded(&self) -> Vec<Degraded> {
        let watching = self.watching.as_ref();
        let degraded = |watching: &Arc<Watching>| {
            watching.degraded.lock().unwrap_or_else(PoisonError::into_inner).clone()
        };
        watching.map(degraded).unwrap_or_default()
    }
}

impl ReloadHandle {
    /// Asks for a rebuild now, even if no byte differs; returns at once. After the last handle of the value is gone it does nothing.
    pub fn reload(&self) {
        if let Some(letters) = &self.letters {
            letters.send(Hint::Request);
        }
    }
}

impl<T, E, B, N> Keeper<T, B, N>
where
    B: FnMut(&mut Files<'_>, Option<&Arc<T>>) -> Result<Option<T>, E>,
    N: FnMut(Notice<'_, T, E>),
{
    fn run(mut self) {
        self.report();
        loop {
            match self.scout.step() {
                Turn::Stop => return,
                Turn::Rest => {}
                Turn::Look if !self.scout.look() => {}
                Turn::Look if self.scout.wants_build() => self.rebuild(),
                Turn::Look => self.scout.rest(),
            }
            self.report();
            self.scout.answer();
        }
    }

    fn rebuild(&mut self) {
        let lock = self.rebuild_lock.clone();
        let _held = lock.hold();
        let trigger = self.scout.trigger();
        let current = self.value.load_full();
        let (build, scout) = (&mut self.build, &mut self.scout);
        let outcome =
            panic::catch_unwind(AssertUnwindSafe(|| build(&mut scout.files(trigger), Some(&current))));
        let Ok(outcome) = outcome else { return self.scout.accept_broken() };
        if !self.scout.confirms() {
            return self.scout.discard();
        }
        self.scout.accept();
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

    /// Tells what is degraded, and what no longer is, once.
    fn report(&mut self) {
        let faults = self.scout.faults();
        if !self.scout.knows_faults() || faults == self.reported {
            return;
        }
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
        // What the listener does with it is its own affair; the panic hook has said what there is to say.
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
        self.letters.send(Hint::Stop);
        // The last handle may be dropped by `notice`: that thread ends by itself.
        let thread = self.thread.take().filter(|thread| thread.thread().id() != thread::current().id());
        if let Some(thread) = thread {
            // What could panic in it is caught.
            let _ = thread.join();
        }
    }
}
