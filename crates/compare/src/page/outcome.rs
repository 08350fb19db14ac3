//! The outcome of an edit.

use std::time::Duration;

use super::{edit::Edit, torn::Pages};

/// An edit that was made in all servers.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) edit: Edit,
    /// The new line or text.
    pub(crate) words: String,
    /// The outcome in each server, in order: the demos, then the counterparts, if they ran.
    pub(crate) outcomes: Vec<Outcome>,
}

/// The outcome of an edit in one server.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// An answer showed it, this time after the save began.
    InForce(Duration),
    /// It was rejected with these words, this time after the save began. The answers did not change.
    Refused(Duration, String),
    /// The answers did not change, and no answer says that the edit was rejected.
    Kept,
    /// The pages during saves in pieces.
    Counted(Pages),
    /// None of these.
    Unanswered(String),
}
