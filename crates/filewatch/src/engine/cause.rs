//! The trigger of a rebuild: an event, the poll, or a request.

use crate::trigger::Trigger;

#[derive(Debug)]
pub(crate) struct Cause {
    trigger: Trigger,
    /// The poll found a change of which an event should have told.
    unreported: bool,
    /// The last build was caused by such a change.
    missed: bool,
}

impl Cause {
    pub(crate) fn start() -> Self {
        Self { trigger: Trigger::Start, unreported: false, missed: false }
    }

    pub(crate) fn trigger(&self) -> Trigger {
        self.trigger
    }

    /// True if events that should have come were missed.
    pub(crate) fn is_missed(&self) -> bool {
        self.missed
    }

    pub(crate) fn request(&mut self) {
        self.trigger = Trigger::Request;
    }

    /// An event came. A request and the start are named rather than an event.
    pub(crate) fn event(&mut self) {
        if self.trigger == Trigger::Poll {
            self.trigger = Trigger::Event;
        }
    }

    /// The poll found a change, and whether an event `should_have_told` of it.
    pub(crate) fn poll(&mut self, should_have_told: bool) {
        self.unreported = should_have_told;
    }

    /// The change led to a build.
    pub(crate) fn accept(&mut self) {
        match self.trigger {
            Trigger::Poll => self.missed |= self.unreported,
            Trigger::Event => self.missed = false,
            Trigger::Start | Trigger::Request => {}
        }
        self.reset();
    }

    /// Nothing is known to have changed.
    pub(crate) fn reset(&mut self) {
        self.trigger = Trigger::Poll;
        self.unreported = false;
    }
}

#[cfg(test)]
mod tests {
    use super::Cause;
    use crate::trigger::Trigger;

    #[derive(Clone, Copy)]
    enum Act {
        Event,
        Request,
        Poll(bool),
        Accept,
        Reset,
    }
    use Act::{Accept, Event, Poll, Request, Reset};

    #[test]
    fn the_strongest_trigger_counts_and_a_miss_is_remembered_until_an_event_comes() {
        let rows: [(&str, &[Act], Trigger, bool); 10] = [
            ("an event during the start", &[Event], Trigger::Start, false),
            ("nothing asked and nothing told", &[Accept], Trigger::Poll, false),
            ("told", &[Accept, Event], Trigger::Event, false),
            ("told, then asked for", &[Accept, Event, Request], Trigger::Request, false),
            ("asked for, then told", &[Accept, Request, Event], Trigger::Request, false),
            ("found where no event should have told", &[Accept, Poll(false), Accept], Trigger::Poll, false),
            ("found where an event should have told", &[Accept, Poll(true), Accept], Trigger::Poll, true),
            ("found, but told in time", &[Accept, Poll(true), Event, Accept], Trigger::Poll, false),
            ("found, and it was nothing", &[Accept, Poll(true), Reset, Accept], Trigger::Poll, false),
            ("told again", &[Accept, Poll(true), Accept, Event, Accept], Trigger::Poll, false),
        ];
        for (claim, acts, trigger, missed) in rows {
            let mut cause = Cause::start();
            for act in acts {
                match act {
                    Event => cause.event(),
                    Request => cause.request(),
                    Poll(should_have_told) => cause.poll(*should_have_told),
                    Accept => cause.accept(),
                    Reset => cause.reset(),
                }
            }
            assert_eq!((cause.trigger(), cause.is_missed()), (trigger, missed), "{claim}");
        }
    }
}
