//! The record of the attempts.

use std::collections::VecDeque;
use std::time::Instant;

use jiff::Zoned;

use crate::diagnosis::Diagnosis;
use crate::history::{Attempt, Change, Outcome, Trigger};
use crate::origin::Origin;

/// The last attempts, and what is known of the one that is under way.
pub(crate) struct AttemptLog {
    /// When the attempt that is under way began.
    began: Instant,
    /// The warnings of the last attempt: each is logged once.
    warned: Vec<String>,
    history: VecDeque<Attempt>,
}

/// An attempt that was decided just now.
pub(crate) struct Decision {
    pub(crate) generation: u64,
    pub(crate) trigger: Trigger,
    pub(crate) origin: Option<Origin>,
    pub(crate) is_canary: bool,
    pub(crate) outcome: Outcome,
    pub(crate) changed: Vec<Change>,
    pub(crate) error: Option<Diagnosis>,
}

impl Decision {
    /// The decision about a canary that this process has rejected. The text without it was judged by itself.
    pub(crate) fn canary_rejected(generation: u64, refused: Diagnosis) -> Decision {
        Decision::rejected(generation, Trigger::Source, None, true, refused)
    }

    /// The decision about a value that was not set at run time. The files were judged by themselves.
    pub(crate) fn override_rejected(
        generation: u64,
        origin: Option<Origin>,
        is_canary: bool,
        refused: Diagnosis,
    ) -> Decision {
        Decision::rejected(generation, Trigger::Override, origin, is_canary, refused)
    }

    fn rejected(
        generation: u64,
        trigger: Trigger,
        origin: Option<Origin>,
        is_canary: bool,
        refused: Diagnosis,
    ) -> Decision {
        let (outcome, changed) = (Outcome::Rejected, Vec::new());
        Decision { generation, trigger, origin, is_canary, outcome, changed, error: Some(refused) }
    }
}

/// The length of the history.
const MAX_HISTORY: usize = 50;

impl AttemptLog {
    pub(crate) fn new() -> AttemptLog {
        AttemptLog { began: Instant::now(), warned: Vec::new(), history: VecDeque::new() }
    }

    /// An attempt begins.
    pub(crate) fn begin(&mut self) {
        self.began = Instant::now();
    }

    /// The first build is repeated when a file changes while it is read: the last one counts.
    pub(crate) fn start(&mut self, at: Zoned, is_canary: bool) {
        self.history.clear();
        let decision = Decision {
            generation: 1,
            trigger: Trigger::Start,
            origin: None,
            is_canary,
            outcome: Outcome::Accepted,
            changed: Vec::new(),
            error: None,
        };
        self.add(at, decision);
    }

    pub(crate) fn record(&mut self, decision: Decision) -> Attempt {
        self.add(Zoned::now(), decision)
    }

    pub(crate) fn newest_first(&self) -> Vec<Attempt> {
        self.history.iter().cloned().collect()
    }

    /// Logs each warning once.
    pub(crate) fn warn(&mut self, warnings: &[String]) {
        for warning in warnings.iter().filter(|warning| !self.warned.contains(warning)) {
            tracing::warn!("ignored: {warning}");
        }
        self.warned = warnings.to_vec();
    }

    fn add(&mut self, at: Zoned, decision: Decision) -> Attempt {
        let Decision { generation, trigger, origin, is_canary, outcome, changed, error } = decision;
        let took = self.began.elapsed();
        let attempt = Attempt { generation, at, took, trigger, origin, is_canary, outcome, changed, error };
        self.history.push_front(attempt.clone());
        self.history.truncate(MAX_HISTORY);
        attempt
    }
}
