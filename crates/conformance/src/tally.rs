//! Counts of the outcomes of requests under a load.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The number of failures that are kept with their descriptions.
const QUOTED: usize = 8;

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// A whole and good answer from a serving instance.
    Answered,
    /// The connection was refused.
    Refused,
    /// The connection was reset, or closed before an answer.
    Reset,
    /// The answer ended before its end.
    Cut,
    /// No answer came in time.
    Late,
    /// Another answer than expected, or an answer from an instance that was replaced twice.
    Wrong,
}

/// The number of requests with each outcome.
pub struct Tally {
    state: Mutex<State>,
    /// The number of newest instances whose answers are good.
    span: usize,
}

#[derive(Default)]
struct State {
    outcomes: BTreeMap<Outcome, u64>,
    instances: BTreeMap<String, u64>,
    order: Vec<String>,
    words: Vec<String>,
    following: String,
    slowest_return: Duration,
    returns: u64,
}

impl Outcome {
    /// All outcomes, the good one first.
    pub const ALL: [Outcome; 6] =
        [Outcome::Answered, Outcome::Refused, Outcome::Reset, Outcome::Cut, Outcome::Late, Outcome::Wrong];

    /// Its name in figures.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Answered => "ok",
            Outcome::Refused => "refused",
            Outcome::Reset => "reset",
            Outcome::Cut => "cut",
            Outcome::Late => "late",
            Outcome::Wrong => "wrong",
        }
    }
}

impl Default for Tally {
    fn default() -> Tally {
        Tally { state: Mutex::default(), span: 2 }
    }
}

impl Tally {
    /// Accepts the answers of any instance: one may serve again after its successor.
    pub(crate) fn of_any_instance() -> Tally {
        Tally { span: usize::MAX, ..Tally::default() }
    }

    /// The number of requests with this outcome.
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.state().outcomes.get(&outcome).copied().unwrap_or(0)
    }

    /// The number of failed requests.
    pub fn failed(&self) -> u64 {
        self.state()
            .outcomes
            .iter()
            .filter(|(outcome, _)| **outcome != Outcome::Answered)
            .map(|(_, count)| count)
            .sum()
    }

    /// The number of good answers of this instance.
    pub fn answered_by(&self, instance: &str) -> u64 {
        self.state().instances.get(instance).copied().unwrap_or(0)
    }

    /// Number of times that the client of `/events` came back after `bye`, and the longest time from `bye` to `hello`.
    pub fn returns(&self) -> (u64, Duration) {
        let state = self.state();
        (state.returns, state.slowest_return)
    }

    /// Counts a whole answer of this instance.
    pub(crate) fn answered(&self, instance: &str) {
        let mut state = self.state();
        let at = state.order.iter().position(|known| known == instance);
        let at = at.unwrap_or_else(|| {
            state.order.push(instance.to_owned());
            state.order.len() - 1
        });
        if state.order.len() - at > self.span {
            let words = format!("an answer from {instance}, after {:?}", state.order);
            state.fail(Outcome::Wrong, &words);
            return;
        }
        *state.instances.entry(instance.to_owned()).or_default() += 1;
        *state.outcomes.entry(Outcome::Answered).or_default() += 1;
    }

    /// Notes that the client of `/events` follows this instance now.
    pub(crate) fn follows(&self, instance: &str) {
        instance.clone_into(&mut self.state().following);
    }

    /// True if the client of `/events` follows this instance.
    pub(crate) fn is_following(&self, instance: &str) -> bool {
        self.state().following == instance
    }

    pub(crate) fn failed_as(&self, outcome: Outcome, words: &str) {
        self.state().fail(outcome, words);
    }

    pub(crate) fn returned(&self, after: Duration) {
        let mut state = self.state();
        state.returns += 1;
        state.slowest_return = state.slowest_return.max(after);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn fail(&mut self, outcome: Outcome, words: &str) {
        *self.outcomes.entry(outcome).or_default() += 1;
        if self.words.len() < QUOTED {
            self.words.push(words.to_owned());
        }
    }
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        write!(f, "{:?}, by {} instances", state.outcomes, state.order.len())?;
        state.words.iter().try_for_each(|words| write!(f, "\n  {words}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Tally};

    #[test]
    fn an_answer_from_an_instance_that_was_replaced_twice_is_wrong() {
        let tally = Tally::default();
        for instance in ["a", "b", "a", "c", "b"] {
            tally.answered(instance);
        }
        assert_eq!(tally.failed(), 0);
        tally.answered("a");
        assert_eq!((tally.failed(), tally.count(Outcome::Wrong), tally.count(Outcome::Answered)), (1, 1, 5));
    }
}
