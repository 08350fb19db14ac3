//! The replaced servers: they drain, or are kept in case the current one fails.

use crate::supervisor::action::{Action, Message};
use crate::supervisor::server::{Server, Stage};

/// So many replaced servers may drain at a time.
pub(super) const MOST_DRAINING: usize = 3;

/// The oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Replaced(Vec<Server>);

impl Replaced {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Server> {
        self.0.iter()
    }

    pub(super) fn find(&mut self, id: u32) -> Option<&mut Server> {
        self.0.iter_mut().find(|old| old.id == id)
    }

    pub(super) fn push(&mut self, server: Server) {
        self.0.push(server);
    }

    /// Removes a server that has ended.
    pub(super) fn forget(&mut self, id: u32) {
        self.0.retain(|old| old.id != id);
    }

    /// Stops the servers that are kept.
    pub(super) fn stop_kept(&mut self, actions: &mut Vec<Action>) {
        for kept in self.0.iter_mut().filter(|old| old.stage == Stage::Kept) {
            kept.stage = Stage::Told;
            actions.push(Action::Stop(kept.id));
        }
    }

    /// Cuts the oldest server that drains if there are too many. Kept ones are never more than two.
    pub(super) fn limit(&mut self, actions: &mut Vec<Action>) {
        if self.0.iter().filter(|old| old.stage != Stage::Cut).count() > MOST_DRAINING
            && let Some(oldest) =
                self.0.iter_mut().find(|old| matches!(old.stage, Stage::Draining | Stage::Told))
        {
            oldest.stage = Stage::Cut;
            actions.push(Action::Kill(oldest.id));
            actions.push(Action::Say(Message::Cut(oldest.id)));
        }
    }

    /// Lets the kept servers leave that are not needed as a fallback. While the current server is on probation, two are
    /// needed: the last one, and the last proven one.
    pub(super) fn release(&mut self, current: Option<&Server>, actions: &mut Vec<Action>) {
        let on_probation = current.is_some_and(|current| !current.proven);
        let last = |is_one: fn(&Server) -> bool| {
            self.0.iter().rfind(|old| old.stage == Stage::Kept && is_one(old)).map(|old| old.id)
        };
        let needed = if on_probation { [last(|_| true), last(|old| old.proven)] } else { [None, None] };
        for old in self.0.iter_mut().filter(|old| old.stage == Stage::Kept) {
            if !needed.contains(&Some(old.id)) {
                old.stage = Stage::Draining;
                actions.push(Action::Leave(old.id));
            }
        }
    }

    /// True if a server was not told to stop yet, so that it can be called back.
    pub(super) fn has_callable(&self) -> bool {
        self.last_callable().is_some()
    }

    /// Removes the last server that can be called back, if its version is not older than this one.
    pub(super) fn take_callable(&mut self, oldest: u32) -> Option<Server> {
        let at = self.last_callable().filter(|at| self.0[*at].version >= oldest)?;
        Some(self.0.remove(at))
    }

    fn last_callable(&self) -> Option<usize> {
        self.0.iter().rposition(|old| matches!(old.stage, Stage::Kept | Stage::Draining))
    }
}
