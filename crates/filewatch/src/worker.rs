//! The watching thread of a live value.

use crate::degraded::Degraded;
use crate::engine::files::Files;
use crate::engine::{Engine, Turn};
use crate::notice::Notice;
use crate::rebuild_lock::RebuildLock;
use arc_swap::ArcSwap;
use std::collections::BTreeSet;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// The state of the watching thread.
pub(crate) struct Worker<T, B, N> {
    value: Arc<ArcSwap<T>>,
    rebuild_lock: RebuildLock,
    engine: Engine,
    build: B,
    notice: N,
    degraded: Arc<Mutex<Vec<Degraded>>>,
    reported: BTreeSet<Degraded>,
}

impl<T, E, B, N> Worker<T, B, N>
where
    T: Send + Sync + 'static,
    B: FnMut(&mut Files<'_>, Option<&Arc<T>>) -> Result<Option<T>, E> + Send + 'static,
    N: FnMut(Notice<'_, T, E>) + Send + 'static,
{
    pub(crate) fn new(
        value: Arc<ArcSwap<T>>,
        rebuild_lock: RebuildLock,
        engine: Engine,
        build: B,
        notice: N,
        degraded: Arc<Mutex<Vec<Degraded>>>,
    ) -> Self {
        Self { value, rebuild_lock, engine, build, notice, degraded, reported: BTreeSet::new() }
    }

    /// Runs on a thread of its own. Without one it reports that, and ends.
    pub(crate) fn start(mut self) -> Option<JoinHandle<()>> {
        let (hand_over, worker) = mpsc::channel::<Self>();
        let thread = thread::Builder::new().spawn(move || worker.recv().map_or((), Self::run)).ok();
        if thread.is_some() {
            // It fails only if the thread has ended, and the thread waits for this.
            let _ = hand_over.send(self);
        } else {
            self.set_degraded(&BTreeSet::from([Degraded::NoThread]));
        }
        thread
    }

    fn run(mut self) {
        // The engine sleeps for 50 µs before it takes a reading. The kernel's usual slack makes 119 µs of that, without it it takes 68 µs.
        #[cfg(target_os = "linux")]
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
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
        let Ok(outcome) = outcome else { return self.engine.skip() };
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

    /// Reports what became degraded, and what no longer is.
    fn report(&mut self) {
        if let Some(faults) = self.engine.known_faults() {
            self.set_degraded(&faults);
        }
    }

    fn set_degraded(&mut self, faults: &BTreeSet<Degraded>) {
        if *faults == self.reported {
            return;
        }
        *self.degraded.lock().unwrap_or_else(PoisonError::into_inner) = faults.iter().copied().collect();
        let before = mem::replace(&mut self.reported, faults.clone());
        for fault in faults.difference(&before) {
            self.tell(Notice::Degraded(*fault));
        }
        for fault in before.difference(faults) {
            self.tell(Notice::Recovered(*fault));
        }
    }

    fn tell(&mut self, notice: Notice<'_, T, E>) {
        // The panic hook has reported it.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| (self.notice)(notice)));
    }
}
