//! Whom to thank for what is found: an event, a look, or a request.

use crate::live::Trigger;

#[derive(Debug)]
pub(crate) struct Cause {
    trigger: Trigger,
    /// Looking found something of which an event should have told.
    unheard: bool,
    /// So it was the last time that something was found.
    missed: bool,
}

impl Cause {
    pub(crate) fn start() -> Self {
        Self { trigger: Trigger::Start, unheard: false, missed: false }
    }

    pub(crate) fn trigger(&self) -> Trigger {
        self.trigger
    }

    /// Whether looking had to find what events should have told.
    pub(crate) fn is_missed(&self) -> bool {
        self.missed
    }

    pub(crate) fn request(&mut self) {
        self.trigger = Trigger::Request;
    }

    /// An event told of something; a request or the start is the better reason.
    pub(crate) fn event(&mut self) {
        if self.trigger == Trigger::Poll {
            self.trigger = Trigger::Event;
        }
    }

    /// Looking found something, and whether an event `should_have_told`.
    pub(crate) fn look(&mut self, should_have_told: bool) {
        self.unheard = should_have_told;
    }

    /// It led to a build.
    pub(crate) fn accept(&mut self) {
        match self.trigger {
            Trigger::Poll => self.missed |= self.unheard,
            Trigger::Event => self.missed = false,
            Trigger::Start | Trigger::Request => {}
        }
        self.rest();
    }

    /// It was nothing, or is over.
    pub(crate) fn rest(&mut self) {
        self.trigger = Trigger::Poll;
        self.unheard = false;
    }
}

#[cfg(test)]
mod tests {
    use super::Cause;
    use crate::live::Trigger;

    #[derive(Clone, Copy)]
    enum Act {
        Event,
        Request,
        Look(bool),
        Accept,
        Rest,
    }
    use Act::{Accept, Event, Look, Request, Rest};

    #[test]
    fn the_best_reason_counts_and_a_miss_is_remembered_until_an_event_tells() {
        let rows: [(&str, &[Act], Trigger, bool); 10] = [
            ("the start is the start", &[Event], Trigger::Start, false),
            ("nobody asked and nobody told", &[Accept], Trigger::Poll, false),
            ("told", &[Accept, Event], Trigger::Event, false),
            ("told, then asked for", &[Accept, Event, Request], Trigger::Request, false),
            ("asked for, then told", &[Accept, Request, Event], Trigger::Request, false),
            ("found where nobody should have told", &[Accept, Look(false), Accept], Trigger::Poll, false),
            ("found where an event should have told", &[Accept, Look(true), Accept], Trigger::Poll, true),
            ("found, but told in time", &[Accept, Look(true), Event, Accept], Trigger::Poll, false),
            ("found, and it was nothing", &[Accept, Look(true), Rest, Accept], Trigger::Poll, false),
            ("told again", &[Accept, Look(true), Accept, Event, Accept], Trigger::Poll, false),
        ];
        for (claim, acts, trigger, missed) in rows {
            let mut cause = Cause::start();
            for act in acts {
                match act {
                    Event => cause.event(),
                    Request => cause.request(),
                    Look(should_have_told) => cause.look(*should_have_told),
                    Accept => cause.accept(),
                    Rest => cause.rest(),
                }
            }
            assert_eq!((cause.trigger(), cause.is_missed()), (trigger, missed), "{claim}");
        }
    }
}
