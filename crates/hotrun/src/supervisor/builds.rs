//! The supervisor's answers to changes and to the ends of builds.

use crate::supervisor::Supervisor;
use crate::supervisor::action::{Action, Message};
use crate::supervisor::build::Build;
use crate::supervisor::event::Outcome;
use crate::supervisor::server::{Server, Stage};

impl Supervisor {
    pub(super) fn changed(&mut self, actions: &mut Vec<Action>) {
        self.again = None;
        if !self.rules.builds {
            self.version += 1;
            self.waiting = Some(self.version);
        } else if let Some(build) = &mut self.building {
            if !build.stale {
                actions.push(Action::Cancel);
            }
            build.stale = true;
        } else {
            self.build(false, actions);
        }
    }

    /// Starts the same program again, if a build does not start another one.
    pub(super) fn renewed(&mut self) {
        self.again = None;
        if !self.rules.builds {
            self.version += 1;
            self.waiting = Some(self.version);
        } else if let Some(build) = &mut self.building {
            build.renews = true;
        } else {
            self.start_again();
        }
    }

    fn start_again(&mut self) {
        let running = self.running().next();
        self.waiting = self.waiting.or(running).or(self.built);
    }

    /// Begins a build. `renews`: the program is to be started in any case.
    fn build(&mut self, renews: bool, actions: &mut Vec<Action>) {
        self.version += 1;
        self.building = Some(Build { stale: false, renews });
        actions.push(Action::Build(self.version));
    }

    pub(super) fn built(&mut self, version: u32, outcome: Outcome, actions: &mut Vec<Action>) {
        let Some(Build { stale, renews }) = self.building.take_if(|_| version == self.version) else {
            return;
        };
        if stale || outcome == Outcome::Cancelled {
            self.build(renews, actions);
            return;
        }
        if outcome == Outcome::Good {
            self.built = Some(version);
            self.waiting = Some(version);
        } else if let Outcome::Same(other) = outcome {
            self.built = Some(other);
            self.waiting = Some(other);
            if !renews {
                self.stay(other, actions);
            }
        } else {
            let stops = self.rules.stop_on_error;
            actions.push(Action::Say(Message::BuildFailed { serves: self.current.is_some(), stops }));
            if stops {
                self.stop_all(actions);
            } else if renews {
                self.start_again();
            }
        }
    }

    /// Starts nothing if a server of this version starts or serves. A newer one that is not ready is not wanted any more.
    fn stay(&mut self, version: u32, actions: &mut Vec<Action>) {
        let is_it = |server: &Server| server.version == version && server.stage == Stage::Active;
        let next = self.next.filter(is_it);
        let Some(server) = next.or(self.current.filter(is_it)) else { return };
        self.waiting = None;
        if next.is_none() {
            self.dismiss(actions);
        }
        actions.push(Action::Say(Message::Unchanged(server.id)));
    }
}
