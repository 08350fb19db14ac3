//! The value, and the handle of its readers.

use crate::backend::message::Message;
use crate::backend::sender::Sender;
use crate::degraded::Degraded;
use crate::engine::Engine;
use crate::engine::files::Files;
use crate::notice::Notice;
use crate::options::Options;
use crate::reload_handle::ReloadHandle;
use crate::trigger::Trigger;
use crate::worker::Worker;
use arc_swap::{ArcSwap, Guard};
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

/// State that the handles share with the watching thread.
struct Watching {
    sender: Sender,
    degraded: Arc<Mutex<Vec<Degraded>>>,
    /// None if the system started none.
    thread: Option<JoinHandle<()>>,
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
    /// If the system starts no thread, the value stays as it is: no change is noticed, and a request does nothing. `notice` is told of
    /// [`Degraded::NoThread`] on the caller's thread, and [`degraded`](Live::degraded) names it.
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
        let worker =
            Worker::new(Arc::clone(&value), rebuild_lock, engine, build, notice, Arc::clone(&degraded));
        Ok(Self { value, watching: Some(Arc::new(Watching { sender, degraded, thread: worker.start() })) })
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

    /// A handle that reads the same value and does not keep the watching alive. It is for a build or a notice of another live
    /// value. Its [`reload`](Live::reload) does nothing.
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

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), watching: self.watching.clone() }
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
