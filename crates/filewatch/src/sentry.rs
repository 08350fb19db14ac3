//! The system's watcher on its thread, either of which may fail.

use crate::event::{Hint, Sign, sign};
use crate::gate::Gate;
use crate::marker;
use crate::ward::{Wards, awaits};
use arc_swap::ArcSwap;
use notify::{Config, Event, RecommendedWatcher, Watcher};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

/// So long is a dismissed thread waited for.
const LAST_BREATH: Duration = Duration::from_secs(1);

pub(crate) struct Sentry {
    watcher: Option<RecommendedWatcher>,
    /// Ends when the watcher's thread has ended.
    breath: Receiver<()>,
}

impl Sentry {
    pub(crate) fn absent() -> Self {
        Self { watcher: None, breath: mpsc::channel().1 }
    }

    /// Tells `hints` what it sees of the `wards`, and when its thread has ended; absent if the system would not start it.
    pub(crate) fn post(
        number: u64,
        wards: Arc<ArcSwap<Wards>>,
        held_back: Option<Gate>,
        hints: &Sender<Hint>,
    ) -> Self {
        let (alive, breath) = mpsc::channel();
        let ending = Ending { number, hints: hints.clone(), _alive: alive };
        let heard = move |event| {
            let _held = held_back.as_ref().map(Gate::hold);
            hear(&wards, &ending.hints, event);
        };
        Self { watcher: RecommendedWatcher::new(heard, Config::default()).ok(), breath }
    }

    pub(crate) fn is_absent(&self) -> bool {
        self.watcher.is_none()
    }

    /// Asks something of the watcher. It panics when its thread is gone: then it is let go of, and there is no answer.
    pub(crate) fn ask<R>(&mut self, act: impl FnOnce(&mut RecommendedWatcher) -> R) -> Option<R> {
        let watcher = self.watcher.as_mut()?;
        let done = panic::catch_unwind(AssertUnwindSafe(|| act(watcher)));
        if done.is_err() {
            self.dismiss();
        }
        done.ok()
    }

    /// Lets go of the watcher, and waits for its thread. That it is gone already makes the watcher panic once more, after which all
    /// that it held is free.
    fn dismiss(&mut self) {
        let Some(watcher) = self.watcher.take() else { return };
        if panic::catch_unwind(AssertUnwindSafe(|| drop(watcher))).is_ok() {
            // Nothing is ever sent; the other end is dropped with the thread.
            let _ = self.breath.recv_timeout(LAST_BREATH);
        }
    }
}

impl Drop for Sentry {
    fn drop(&mut self) {
        self.dismiss();
    }
}

/// Dropped with the watcher's thread.
struct Ending {
    number: u64,
    hints: Sender<Hint>,
    _alive: Sender<()>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.hints.send(Hint::Died(self.number));
    }
}

/// Runs on the watcher's thread, for every event of every folder: says little, and drops what nobody waits for.
fn hear(wards: &ArcSwap<Wards>, hints: &Sender<Hint>, event: notify::Result<Event>) {
    let Ok(event) = event else {
        let _ = hints.send(Hint::Lost);
        return;
    };
    if event.need_rescan() {
        let _ = hints.send(Hint::Lost);
        return;
    }
    let Some(sign) = sign(event.kind) else { return };
    for path in event.paths {
        let hint = match marker::number(&path) {
            Some(number) if sign == Sign::Touched => Hint::Marker(number),
            Some(_) => Hint::Seen(sign, path),
            None if awaits(&wards.load(), &path) != Some(false) => Hint::Seen(sign, path),
            None => continue,
        };
        let _ = hints.send(hint);
    }
}
