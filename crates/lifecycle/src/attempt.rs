//! An upgrade under way, as the old process sees it.

use std::future::pending;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::successor::{Start, Successor};
use crate::successor_channel::{Loss, Message};
use crate::upgrade_error::UpgradeError;

/// An upgrade under way.
pub(crate) struct Attempt {
    pub(crate) began: Instant,
    pub(crate) step: Step,
    /// The process id of the successor, from its start on.
    pub(crate) pid: Option<u32>,
    pub(crate) failure: Option<UpgradeError>,
}

pub(crate) enum Step {
    None,
    Starting(Start),
    Running(Box<Successor>),
    Ending(JoinHandle<UpgradeError>),
}

/// The next step of an upgrade under way.
pub(crate) enum Progress {
    Started(Result<Box<Successor>, UpgradeError>),
    Said(Message),
    Ended(UpgradeError),
}

impl Attempt {
    /// No upgrade is under way.
    pub(crate) fn none() -> Attempt {
        Attempt { began: Instant::now(), step: Step::None, pid: None, failure: None }
    }

    /// Lets the successor accept.
    pub(crate) fn permit(&mut self) {
        if let Step::Running(successor) = &mut self.step {
            successor.permit();
        }
    }

    /// Ends a successor that does not accept yet.
    pub(crate) fn give_up(&self) {
        if let Step::Starting(start) = &self.step {
            start.give_up();
        }
    }

    /// Ends a successor that failed, on a task of its own: the system may take long for that.
    pub(crate) fn end(&mut self, loss: Loss) {
        let step = std::mem::replace(&mut self.step, Step::None);
        if let Step::Running(successor) = step {
            self.step = Step::Ending(tokio::spawn(successor.end(loss)));
        }
    }
}

impl Step {
    /// The next step. Cancelling it loses nothing.
    pub(crate) async fn next(&mut self) -> Progress {
        match self {
            Step::None => pending().await,
            Step::Starting(start) => Progress::Started(start.started().await.map(Box::new)),
            Step::Running(successor) => Progress::Said(successor.next().await),
            Step::Ending(ended) => {
                Progress::Ended(ended.await.unwrap_or_else(|error| UpgradeError::Died(error.to_string())))
            }
        }
    }
}
