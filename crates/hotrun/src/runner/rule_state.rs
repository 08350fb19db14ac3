//! The state of one rule's command.

/// The state of one rule's command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum RuleState {
    #[default]
    Rests,
    Runs,
    /// It runs, and its files have changed since it began.
    RunsAgain,
}
