//! What is heard, and what that puts under suspicion.

use crate::cause::Cause;
use crate::event::{Hint, Sign};
use crate::options::{Options, Step};
use crate::post::Post;
use crate::settle::{Decision, EVERYTHING, Settle};
use crate::shelf::Shelf;
use std::path::Path;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// A file that is written to without a pause is read all the same after this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) struct Attention {
    options: Options,
    pub(crate) post: Post,
    pub(crate) settle: Settle,
    /// Why what is under suspicion is so.
    pub(crate) cause: Cause,
    pub(crate) stopped: bool,
    /// Who wants to know when nothing is under suspicion any more.
    waiting: Vec<Sender<()>>,
}

/// What the waiting came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Something under suspicion is to be read now.
    Due,
    /// Hints came, or some time has passed.
    Over,
    /// It is time to look at everything.
    Idle,
}

impl Attention {
    pub(crate) fn open(options: Options) -> Self {
        Self {
            post: Post::open(options.clone()),
            settle: Settle::new(options.quiet, PATIENCE),
            cause: Cause::start(),
            stopped: false,
            waiting: Vec::new(),
            options,
        }
    }

    /// Waits until there is something to do.
    pub(crate) fn wait(&mut self, known: &mut Shelf) -> Wait {
        let decision = self.settle.decide(Instant::now());
        let until = match decision {
            Decision::Read => return Wait::Due,
            Decision::Until(then) => then,
            Decision::Rest if !self.waiting.is_empty() => return Wait::Idle,
            Decision::Rest => self.post.next_look(self.cause.is_missed()),
        };
        match self.post.receive(until) {
            Some(hint) => {
                self.apply(hint, known);
                self.drain(known);
                Wait::Over
            }
            None if decision == Decision::Rest => Wait::Idle,
            None => Wait::Over,
        }
    }

    /// How many wait for rest.
    pub(crate) fn asked(&self) -> usize {
        self.waiting.len()
    }

    /// Everything has been heard and looked at since the first `asked` of those who wait for rest asked for it, and nothing is under suspicion.
    pub(crate) fn answer(&mut self, asked: usize) {
        for asked in self.waiting.drain(..asked) {
            // Who does not wait any more need not know.
            let _ = asked.send(());
        }
    }

    /// Returns when everything that happened before has been heard.
    pub(crate) fn listen(&mut self, known: &mut Shelf) {
        if self.post.ear.is_deaf() {
            return;
        }
        let heard = self.post.catch_up();
        self.drain(known);
        if !heard {
            self.post.renew_ear();
        }
        if !heard || self.post.ear.is_deaf() {
            self.settle.glance(Path::new(EVERYTHING));
        }
    }

    fn drain(&mut self, known: &mut Shelf) {
        while let Some(hint) = self.post.received() {
            self.apply(hint, known);
        }
    }

    fn apply(&mut self, hint: Hint, known: &mut Shelf) {
        match hint {
            Hint::Stop => self.stopped = true,
            Hint::Request => {
                self.cause.request();
                self.settle.glance(Path::new(EVERYTHING));
            }
            Hint::Rest(asked) => self.waiting.push(asked),
            Hint::Lost => {
                self.cause.event();
                self.post.rearm = true;
                self.post.ear.doubt(Path::new(EVERYTHING));
                self.settle.dirty(Path::new(EVERYTHING), Instant::now());
            }
            Hint::Died(number) => self.post.lose_ear(number),
            Hint::Seen(sign, path) => {
                if self.post.ear.awaits(&path).unwrap_or_else(|| known.concerns_tree(&path)) {
                    self.cause.event();
                    self.weigh(sign, &path, known);
                }
            }
        }
    }

    fn weigh(&mut self, sign: Sign, path: &Path, known: &mut Shelf) {
        if matches!(sign, Sign::Arrived | Sign::Left | Sign::Made | Sign::Gone) {
            self.post.ear.doubt(path);
        }
        if matches!(sign, Sign::Closed | Sign::Arrived | Sign::Written) {
            known.trust(path);
        }
        match sign {
            _ if !self.options.takes(Step::Patience) => self.settle.commit(path),
            Sign::Closed => self.settle.commit(path),
            Sign::Touched => self.settle.glance(path),
            Sign::Arrived if known.is_replaced(path) => self.settle.commit(path),
            // Two files that were exchanged both leave and both arrive.
            Sign::Left if path.symlink_metadata().is_ok() && known.is_replaced(path) => {
                self.settle.commit(path);
            }
            Sign::Arrived | Sign::Left | Sign::Made | Sign::Gone | Sign::Written => {
                self.settle.dirty(path, Instant::now());
            }
        }
    }
}
