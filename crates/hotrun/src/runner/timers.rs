//! Events that are due later.

use std::time::{Duration, Instant};

use crate::supervisor::Event;

/// Events, and when each is due.
#[derive(Debug, Default)]
pub(super) struct Timers(Vec<(Instant, Event)>);

impl Timers {
    pub(super) fn set(&mut self, after: Duration, event: Event) {
        self.0.push((Instant::now() + after, event));
    }

    /// True if this event is set already.
    pub(super) fn has(&self, event: Event) -> bool {
        self.0.iter().any(|(_, set)| *set == event)
    }

    /// The time until the next event.
    pub(super) fn next(&self) -> Option<Duration> {
        let next = self.0.iter().map(|(at, _)| *at).min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    /// Takes out an event that is due.
    pub(super) fn due(&mut self) -> Option<Event> {
        let now = Instant::now();
        let due = self.0.iter().position(|(at, _)| *at <= now)?;
        Some(self.0.swap_remove(due).1)
    }
}
