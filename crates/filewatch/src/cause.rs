//! Whom to thank for what is found: an event, a look, or a request.

use crate::live::Trigger;
use std::mem;

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

    /// It leads to a build; what is heard from now on may lead to another.
    pub(crate) fn take(&mut self) -> Trigger {
        mem::replace(&mut self.trigger, Trigger::Poll)
    }

    /// The build that it led to stands.
    pub(crate) fn accept(&mut self, taken: Trigger) {
        match taken {
            Trigger::Poll => self.missed |= self.unheard,
            Trigger::Event => self.missed = false,
            Trigger::Start | Trigger::Request => {}
        }
        self.unheard = false;
    }

    /// The build that it led to does not stand.
    pub(crate) fn put_back(&mut self, taken: Trigger) {
        if taken == Trigger::Request || self.trigger == Trigger::Poll {
            self.trigger = taken;
        }
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
        /// A build that did not stand, during which this was heard.
        Void(Option<Trigger>),
        Rest,
    }
    use Act::{Accept, Event, Look, Request, Rest, Void};

    #[test]
    fn the_best_reason_counts_and_a_miss_is_remembered_until_an_event_tells() {
        let rows: [(&str, &[Act], Trigger, bool); 13] = [
            ("the start is the start", &[Event], Trigger::Start, false),
            ("nobody asked and nobody told", &[Accept], Trigger::Poll, false),
            ("told", &[Accept, Event], Trigger::Event, false),
            ("told, then asked for", &[Accept, Event, Request], Trigger::Request, false),
            ("asked for, then told", &[Accept, Request, Event], Trigger::Request, false),
            ("found where nobody should have told", &[Accept, Look(false), Accept], Trigger::Poll, false),
            ("found where an event should have told", &[Accept, Look(true), Accept], Trigger::Poll, true),
            ("found, but told in time", &[Accept, Look(true), Event, Accept], Trigger::Poll, false),
            ("found, and it was nothing", &[Accept, Look(true), Rest, Accept], Trigger::Poll, false),
            ("built for nothing", &[Accept, Event, Void(None)], Trigger::Event, false),
            (
                "asked for while building",
                &[Accept, Event, Void(Some(Trigger::Request))],
                Trigger::Request,
                false,
            ),
            ("told while building", &[Accept, Request, Void(Some(Trigger::Event))], Trigger::Request, false),
            ("told again", &[Accept, Look(true), Accept, Event, Accept], Trigger::Poll, false),
        ];
        for (claim, acts, trigger, missed) in rows {
            let mut cause = Cause::start();
            for act in acts {
                match act {
                    Event => cause.event(),
                    Request => cause.request(),
                    Look(should_have_told) => cause.look(*should_have_told),
                    Accept => {
                        let taken = cause.take();
                        cause.accept(taken);
                    }
                    Void(heard) => {
                        let taken = cause.take();
                        match heard {
                            Some(Trigger::Request) => cause.request(),
                            Some(_) => cause.event(),
                            None => {}
                        }
                        cause.put_back(taken);
                    }
                    Rest => cause.rest(),
                }
            }
            assert_eq!((cause.trigger(), cause.is_missed()), (trigger, missed), "{claim}");
        }
    }
}
