//! Events and looks that are due later.

use std::time::{Duration, Instant};

use crate::supervisor::Event;

/// Something that is due later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Event(Event),
    /// A look at a server that is not ready yet.
    Look(u32),
}

impl From<Event> for Due {
    fn from(event: Event) -> Self {
        Due::Event(event)
    }
}

/// The things that are due, and when.
#[derive(Debug, Default)]
pub(super) struct Timers(Vec<(Instant, Due)>);

impl Timers {
    pub(super) fn set(&mut self, after: Duration, due: impl Into<Due>) {
        self.0.push((Instant::now() + after, due.into()));
    }

    /// True if this event is set already.
    pub(super) fn has(&self, event: Event) -> bool {
        self.0.iter().any(|(_, set)| *set == Due::Event(event))
    }

    /// The time until the next one is due.
    pub(super) fn next(&self) -> Option<Duration> {
        let next = self.0.iter().map(|(at, _)| *at).min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    /// Takes out one that is due.
    pub(super) fn due(&mut self) -> Option<Due> {
        let now = Instant::now();
        let due = self.0.iter().position(|(at, _)| *at <= now)?;
        Some(self.0.swap_remove(due).1)
    }
}
