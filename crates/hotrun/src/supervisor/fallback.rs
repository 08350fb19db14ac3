//! The supervisor's answers to servers that end: it goes back to one that is good.

use crate::supervisor::Supervisor;
use crate::supervisor::action::{Action, Message};
use crate::supervisor::server::{Server, Stage};

impl Supervisor {
    /// A server that was called back had been told to stop already.
    pub(super) fn signalled(&mut self, server: u32, actions: &mut Vec<Action>) {
        if let Some(old) = self.old.find(server) {
            if old.stage != Stage::Cut {
                old.stage = Stage::Told;
            }
        } else if let Some(current) = self.current.take_if(|current| current.id == server) {
            self.old.push(Server { stage: Stage::Told, ..current });
            self.old.limit(actions);
            if !self.quitting && !self.fall_back(None, actions) && !self.starts() {
                actions.push(Action::Say(Message::Waiting(server)));
            }
        }
    }

    pub(super) fn ended(&mut self, server: u32, actions: &mut Vec<Action>) {
        let is = |one: &mut Server| one.id == server;
        self.old.forget(server);
        if let Some(next) = self.next.take_if(is) {
            if next.stage == Stage::Active && !self.quitting {
                self.died_early(next, actions);
            }
        } else if let Some(current) = self.current.take_if(is)
            && !self.quitting
        {
            self.died(current, actions);
        }
    }

    fn died_early(&mut self, next: Server, actions: &mut Vec<Action>) {
        let serves = self.current.is_some();
        if !serves && self.rules.rerun && !self.old.has_callable() {
            self.pause(next, actions);
            return;
        }
        actions.push(Action::Say(Message::GivenUp { server: next.id, late: false, serves }));
        if !serves {
            self.fall_back(Some(next.version), actions);
        }
    }

    fn died(&mut self, current: Server, actions: &mut Vec<Action>) {
        let has_other = self.old.has_callable() || self.good.is_some_and(|good| good != current.version);
        if !current.proven && has_other {
            actions.push(Action::Say(Message::Fell(current.id)));
            self.fall_back(Some(current.version), actions);
        } else if self.rules.rerun {
            self.pause(current, actions);
        } else {
            actions.push(Action::Say(Message::Waiting(current.id)));
        }
    }

    /// A version waits to be started, or a server starts.
    fn starts(&self) -> bool {
        self.waiting.is_some() || self.next.is_some_and(|next| next.stage == Stage::Active)
    }

    /// Called when no server serves. Calls a replaced server back, or starts a newer copy, but not of the version that has failed.
    /// `false` if there is neither.
    pub(super) fn fall_back(&mut self, failed: Option<u32>, actions: &mut Vec<Action>) -> bool {
        let good = self.good.filter(|good| Some(*good) != failed && !self.starts());
        let newer = self.old.take_callable(good.unwrap_or(0));
        if let Some(old) = newer {
            self.current = Some(Server { stage: Stage::Active, ..old });
            actions.push(Action::Return(old.id));
            if !old.proven {
                actions.push(Action::Probation(old.id));
            }
            self.old.release(self.current.as_ref(), actions);
        } else if good.is_some() {
            self.waiting = good;
            actions.push(Action::Say(Message::Restored));
        }
        newer.is_some() || good.is_some()
    }

    fn pause(&mut self, server: Server, actions: &mut Vec<Action>) {
        self.again = Some(server.version);
        actions.push(Action::Pause);
    }
}
