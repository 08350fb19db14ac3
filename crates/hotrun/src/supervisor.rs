//! What follows from what happened: pure, without a clock.
//!
//! The invariant: at most two servers exist, at most one of them is not ready, and one that is ready is asked to leave only
//! when its successor is ready, unless the two cannot live side by side.

mod action;
mod event;
#[cfg(test)]
mod tests;

pub(crate) use self::action::{Action, Word};
pub(crate) use self::event::{Event, Outcome};

/// What is known of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Server {
    id: u32,
    version: u32,
    shares: bool,
    /// Current: proven. Leaving: told to stop. Next: told to stop.
    done: bool,
}

/// The rules of the plan.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    /// There is something to build.
    pub(crate) builds: bool,
    /// A failed build stops the servers.
    pub(crate) stop_on_error: bool,
    /// What ends by itself is run again.
    pub(crate) rerun: bool,
}

/// The state of everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Supervisor {
    rules: Rules,
    version: u32,
    server: u32,
    building: bool,
    /// Something changed since the build under way began.
    stale: bool,
    /// A version that waits for its turn.
    waiting: Option<u32>,
    next: Option<Server>,
    current: Option<Server>,
    /// At most two, and then there is no other.
    leaving: Vec<Server>,
    /// The last version that served.
    good: Option<u32>,
    /// What a rerun would run.
    again: Option<u32>,
    quitting: bool,
}

impl Supervisor {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Takes in one event. What is not about anything that exists is ignored.
    pub(crate) fn on(&mut self, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Quit => self.quit(&mut actions),
            Event::Ended(server) => self.ended(server, &mut actions),
            Event::Signalled(server) => self.signalled(server, &mut actions),
            Event::Built(..) if self.quitting => self.building = false,
            _ if self.quitting => {}
            Event::Changed => self.changed(&mut actions),
            Event::Built(version, outcome) => self.built(version, outcome, &mut actions),
            Event::Ready { server, shares } => self.ready(server, shares, &mut actions),
            Event::Late(server) => self.late(server, &mut actions),
            Event::Proven(server) => self.proven(server),
            Event::Rerun => {
                if let Some(version) = self.again.take()
                    && self.current.is_none()
                    && self.next.is_none()
                {
                    self.waiting.get_or_insert(version);
                }
            }
        }
        self.proceed(&mut actions);
        actions
    }

    /// The versions whose programs may still be started.
    pub(crate) fn needs(&self, version: u32) -> bool {
        let alive = [self.next, self.current].into_iter().flatten().map(|server| server.version);
        alive.chain(self.good).chain(self.waiting).chain(self.again).any(|needed| needed == version)
    }

    fn changed(&mut self, actions: &mut Vec<Action>) {
        self.again = None;
        if !self.rules.builds {
            self.version += 1;
            self.waiting = Some(self.version);
        } else if self.building {
            if !self.stale {
                actions.push(Action::Cancel);
            }
            self.stale = true;
        } else {
            self.build(actions);
        }
    }

    fn build(&mut self, actions: &mut Vec<Action>) {
        self.version += 1;
        self.building = true;
        self.stale = false;
        actions.push(Action::Build(self.version));
    }

    fn built(&mut self, version: u32, outcome: Outcome, actions: &mut Vec<Action>) {
        if !self.building || version != self.version {
            return;
        }
        self.building = false;
        if self.stale || outcome == Outcome::Cancelled {
            self.build(actions);
        } else if outcome == Outcome::Good {
            self.waiting = Some(version);
        } else if self.rules.stop_on_error {
            self.waiting = None;
            self.dismiss(actions);
            if let Some(current) = self.current.take() {
                actions.push(Action::Stop(current.id));
                self.leaving.push(Server { done: true, ..current });
            }
        }
    }

    fn ready(&mut self, server: u32, shares: bool, actions: &mut Vec<Action>) {
        let Some(next) = self.next.take_if(|next| next.id == server && !next.done) else { return };
        if let Some(old) = self.current.take() {
            self.good = Some(old.version);
            actions.push(Action::Leave(old.id));
            self.leaving.push(Server { done: false, ..old });
        }
        self.current = Some(Server { shares, ..next });
        actions.push(Action::Probation(server));
    }

    fn late(&mut self, server: u32, actions: &mut Vec<Action>) {
        let Some(next) = self.next.as_mut().filter(|next| next.id == server && !next.done) else { return };
        let other = self.current.is_some();
        if !other && self.good.is_none_or(|good| good == next.version) {
            actions.push(Action::Say(Word::StillStarting(server)));
            return;
        }
        next.done = true;
        actions.push(Action::Say(Word::GivenUp { server, late: true, serves: other }));
        actions.push(Action::Kill(server));
        if !other {
            self.restore(actions);
        }
    }

    fn proven(&mut self, server: u32) {
        if let Some(current) = self.current.as_mut().filter(|current| current.id == server) {
            current.done = true;
            self.good = Some(current.version);
        }
    }

    /// A server that was called back had been told to stop already.
    fn signalled(&mut self, server: u32, actions: &mut Vec<Action>) {
        if let Some(leaving) = self.leaving.iter_mut().find(|leaving| leaving.id == server) {
            leaving.done = true;
        } else if let Some(current) = self.current.take_if(|current| current.id == server) {
            self.leaving.push(Server { done: true, ..current });
            self.good = Some(current.version);
            if !self.quitting {
                self.restore(actions);
            }
        }
    }

    fn ended(&mut self, server: u32, actions: &mut Vec<Action>) {
        let is = |one: &mut Server| one.id == server;
        self.leaving.retain(|leaving| leaving.id != server);
        if let Some(next) = self.next.take_if(is) {
            if !next.done && !self.quitting {
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
        if !serves && self.rules.rerun {
            self.pause(next, actions);
            return;
        }
        actions.push(Action::Say(Word::GivenUp { server: next.id, late: false, serves }));
        if !serves && self.good != Some(next.version) {
            self.restore(actions);
        }
    }

    fn died(&mut self, current: Server, actions: &mut Vec<Action>) {
        let fell = !current.done && self.good.is_some_and(|good| good != current.version);
        if fell {
            actions.push(Action::Say(Word::Fell(current.id)));
            if let Some(old) = self.leaving.pop_if(|old| !old.done) {
                actions.push(Action::Return(old.id));
                actions.push(Action::Say(Word::Returned(old.id)));
                self.current = Some(Server { done: true, ..old });
            } else if self.next.is_none() {
                self.restore(actions);
            }
        } else if self.rules.rerun {
            self.pause(current, actions);
        } else {
            actions.push(Action::Say(Word::Waiting(current.id)));
        }
    }

    fn pause(&mut self, server: Server, actions: &mut Vec<Action>) {
        self.again = Some(server.version);
        actions.push(Action::Pause);
    }

    /// Nobody serves: the last good version shall, unless a newer one waits anyway.
    fn restore(&mut self, actions: &mut Vec<Action>) {
        if let Some(good) = self.good
            && self.waiting.is_none()
        {
            self.waiting = Some(good);
            actions.push(Action::Say(Word::Restored(good)));
        }
    }

    /// Tells the one that is not ready to stop.
    fn dismiss(&mut self, actions: &mut Vec<Action>) {
        if let Some(next) = self.next.as_mut().filter(|next| !next.done) {
            next.done = true;
            actions.push(Action::Stop(next.id));
        }
    }

    fn quit(&mut self, actions: &mut Vec<Action>) {
        if self.quitting {
            let all = [self.next, self.current].into_iter().flatten().chain(self.leaving.iter().copied());
            actions.extend(all.map(|server| Action::Kill(server.id)));
            return;
        }
        self.quitting = true;
        if self.building {
            actions.push(Action::Cancel);
        }
        self.dismiss(actions);
        for server in self.current.iter().chain(&self.leaving) {
            actions.push(Action::Stop(server.id));
        }
    }

    /// Starts what waits as soon as there is room for it, and makes room.
    fn proceed(&mut self, actions: &mut Vec<Action>) {
        if self.quitting {
            let idle = !self.building && self.next.or(self.current).is_none() && self.leaving.is_empty();
            if idle {
                actions.push(Action::Exit);
            }
            return;
        }
        let Some(version) = self.waiting else { return };
        if self.next.is_some() {
            self.dismiss(actions);
            return;
        }
        if self.leaving.len() + usize::from(self.current.is_some()) > 1 {
            actions.extend(self.leaving.iter().map(|leaving| Action::Hurry(leaving.id)));
            return;
        }
        if self.leaving.iter().any(|leaving| !leaving.shares) {
            return;
        }
        if let Some(current) = self.current.take_if(|current| !current.shares) {
            self.good = Some(current.version);
            actions.push(Action::Leave(current.id));
            self.leaving.push(Server { done: false, ..current });
            return;
        }
        self.waiting = None;
        self.server += 1;
        let server = self.server;
        self.next = Some(Server { id: server, version, shares: true, done: false });
        actions.push(Action::Start { server, version });
    }
}
