//! Maps each event to actions. Pure: no clock, no input, no output.
//!
//! The invariant: one server takes new connections, at most one more is not ready, and a ready server is asked to stop
//! only after its successor is ready, unless the two cannot run side by side. Older servers may still drain: at most
//! three, then the oldest is cut.

mod action;
mod build;
mod builds;
mod event;
mod fallback;
mod replaced;
mod rules;
mod server;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub(crate) use self::action::{Action, Message};
use self::build::Build;
pub(crate) use self::event::{Event, Outcome};
use self::replaced::Replaced;
pub(crate) use self::rules::Rules;
use self::server::{Server, Stage};

/// The state of the builds and the servers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Supervisor {
    rules: Rules,
    version: u32,
    server: u32,
    building: Option<Build>,
    /// The last version that was built.
    built: Option<u32>,
    /// A version that waits to be started.
    waiting: Option<u32>,
    /// Started, not ready.
    next: Option<Server>,
    /// Takes the new connections.
    current: Option<Server>,
    old: Replaced,
    /// The versions of which there is a copy.
    copies: BTreeSet<u32>,
    /// The last version that served and of which there is a copy.
    good: Option<u32>,
    /// The version that a rerun starts.
    again: Option<u32>,
    quitting: bool,
}

impl Supervisor {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Takes in one event. An event about a build or a server that is gone changes nothing.
    pub(crate) fn on(&mut self, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Quit => self.quit(&mut actions),
            Event::Ended(server) => self.ended(server, &mut actions),
            Event::Signalled(server) => self.signalled(server, &mut actions),
            Event::Built(..) if self.quitting => self.building = None,
            _ if self.quitting => {}
            Event::Changed => self.changed(&mut actions),
            Event::Renewed => self.renewed(),
            Event::Built(version, outcome) => self.built(version, outcome, &mut actions),
            Event::Copied(version) => drop(self.copies.insert(version)),
            Event::Ready { server, shares, holds } => self.ready(server, shares, holds, &mut actions),
            Event::Late(server) => self.late(server, &mut actions),
            Event::Proven(server) => self.proven(server, &mut actions),
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

    /// The versions of the servers that start or serve.
    pub(crate) fn running(&self) -> impl Iterator<Item = u32> {
        let active = |server: &Server| server.stage == Stage::Active;
        [self.next.filter(active), self.current].into_iter().flatten().map(|server| server.version)
    }

    /// The server that takes new connections.
    pub(crate) fn current(&self) -> Option<u32> {
        self.current.map(|current| current.id)
    }

    /// True if everything is to end.
    pub(crate) fn is_quitting(&self) -> bool {
        self.quitting
    }

    /// True if nothing is under way: no build, and no start.
    pub(crate) fn is_settled(&self) -> bool {
        let comes = self.building.is_some() || self.waiting.or(self.again).is_some();
        let starts = self.next.is_some_and(|next| next.stage == Stage::Active);
        self.version > 0 && !comes && !starts
    }

    /// True if no server takes connections, and none will before something changes.
    pub(crate) fn is_out(&self) -> bool {
        let comes = self.building.is_some() || self.waiting.or(self.again).is_some() || self.next.is_some();
        self.version > 0 && !self.quitting && !comes && self.current.is_none() && !self.old.has_callable()
    }

    /// True if the program of this version may still be started.
    pub(crate) fn needs(&self, version: u32) -> bool {
        let alive = [self.next, self.current].into_iter().flatten().map(|server| server.version);
        alive
            .chain(self.good)
            .chain(self.waiting)
            .chain(self.again)
            .chain(self.built)
            .any(|needed| needed == version)
    }

    /// Stops every server that is not told to stop yet and does not drain.
    fn stop_all(&mut self, actions: &mut Vec<Action>) {
        self.waiting = None;
        self.dismiss(actions);
        self.old.stop_kept(actions);
        if let Some(current) = self.current.take() {
            actions.push(Action::Stop(current.id));
            self.old.push(Server { stage: Stage::Told, ..current });
        }
        self.old.limit(actions);
    }

    /// The server is ready. If it was before, it has an address only now.
    fn ready(&mut self, server: u32, shares: bool, holds: bool, actions: &mut Vec<Action>) {
        if let Some(current) = self.current.as_mut().filter(|current| current.id == server) {
            (current.shares, current.holds) = (shares, holds);
            return;
        }
        let Some(next) = self.next.take_if(|next| next.id == server && next.stage == Stage::Active) else {
            return;
        };
        if let Some(current) = self.current.take() {
            self.remember(current.version);
            self.replace(current, next.version, actions);
        }
        self.current = Some(Server { shares, holds, ..next });
        self.old.release(self.current.as_ref(), actions);
        self.old.limit(actions);
        actions.push(Action::Probation(server));
    }

    /// The old server takes no new connections from now on. It is kept if there is nothing else to fall back to: no copy of its
    /// program, or the new version is the same one with other variables.
    fn replace(&mut self, old: Server, version: u32, actions: &mut Vec<Action>) {
        let has_copy = self.copies.contains(&old.version) && old.version != version;
        let stage = if old.holds && !has_copy { Stage::Kept } else { Stage::Draining };
        actions.push(if stage == Stage::Kept { Action::Keep(old.id) } else { Action::Leave(old.id) });
        self.old.push(Server { stage, ..old });
    }

    fn late(&mut self, server: u32, actions: &mut Vec<Action>) {
        let Some(next) = self.next.as_mut().filter(|next| next.id == server && next.stage == Stage::Active)
        else {
            return;
        };
        let other = self.current.is_some();
        if !other && self.good.is_none_or(|good| good == next.version) {
            actions.push(Action::Say(Message::StillStarting(server)));
            return;
        }
        next.stage = Stage::Told;
        actions.push(Action::Say(Message::GivenUp { server, late: true, serves: other }));
        actions.push(Action::Kill(server));
        let version = next.version;
        if !other {
            self.fall_back(Some(version), actions);
        }
    }

    fn proven(&mut self, server: u32, actions: &mut Vec<Action>) {
        let current = self.current.as_mut().filter(|current| current.id == server);
        let Some(proven) = current.or_else(|| self.old.find(server)) else { return };
        proven.proven = true;
        if let Some(current) = self.current.filter(|current| current.id == server) {
            self.remember(current.version);
        }
        self.old.release(self.current.as_ref(), actions);
    }

    /// The version has served. It can be started again if there is a copy of it.
    fn remember(&mut self, version: u32) {
        if self.copies.contains(&version) {
            self.good = Some(version);
        }
        let good = self.good;
        self.copies.retain(|copy| *copy >= version || Some(*copy) == good);
    }

    /// Tells the server that is not ready to stop.
    fn dismiss(&mut self, actions: &mut Vec<Action>) {
        if let Some(next) = self.next.as_mut().filter(|next| next.stage == Stage::Active) {
            next.stage = Stage::Told;
            actions.push(Action::Stop(next.id));
        }
    }

    fn quit(&mut self, actions: &mut Vec<Action>) {
        if self.quitting {
            let all = [self.next, self.current].into_iter().flatten().chain(self.old.iter().copied());
            actions.extend(all.map(|server| Action::Kill(server.id)));
            return;
        }
        self.quitting = true;
        if self.building.is_some() {
            actions.push(Action::Cancel);
        }
        self.dismiss(actions);
        for server in self.current.iter().chain(self.old.iter()) {
            actions.push(Action::Stop(server.id));
        }
    }

    /// Starts the version that waits as soon as there is room for it, and makes room.
    fn proceed(&mut self, actions: &mut Vec<Action>) {
        if self.quitting {
            let idle = self.building.is_none()
                && self.next.or(self.current).is_none()
                && self.old.iter().next().is_none();
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
        if self.old.iter().any(|old| !old.shares) {
            return;
        }
        if let Some(current) = self.current.take_if(|current| !current.shares) {
            self.remember(current.version);
            actions.push(Action::Leave(current.id));
            self.old.push(Server { stage: Stage::Draining, ..current });
            self.old.limit(actions);
            return;
        }
        self.waiting = None;
        self.server += 1;
        let server = self.server;
        self.next = Some(Server::new(server, version));
        actions.push(Action::Start { server, version });
    }
}
