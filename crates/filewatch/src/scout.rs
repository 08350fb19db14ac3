//! Keeps what the builds read in step with the disk: hears, waits, reads, and makes sure.

use crate::attention::{Attention, PATIENCE, Wait};
use crate::chain::Chain;
use crate::degraded::Degraded;
use crate::file::Terms;
use crate::files::Files;
use crate::letters::Letters;
use crate::live::Trigger;
use crate::options::{Options, Step};
use crate::settle::{Decision, EVERYTHING, Suspects};
use crate::shelf::Shelf;
use std::collections::BTreeSet;
use std::mem;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Resolving and watching are repeated until nothing moves meanwhile, but not for ever.
pub(crate) const ROUNDS: usize = 8;

pub(crate) struct Scout {
    options: Options,
    attention: Attention,
    shelf: Shelf,
    /// Changed less than this ago, a file that nobody watched until now is not trusted to be whole.
    youth: Duration,
    /// So many asked for rest before everything was looked at, and nothing is under suspicion.
    rested: usize,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The last handle is gone.
    Stop,
    /// Nothing.
    Rest,
    /// It is time to look at what is under suspicion.
    Look,
}

impl Scout {
    pub(crate) fn open(options: Options) -> Self {
        Self {
            attention: Attention::open(options.clone()),
            shelf: Shelf::default(),
            youth: Duration::ZERO,
            rested: 0,
            options,
        }
    }

    /// Where to send a request or the end to.
    pub(crate) fn letters(&self) -> Letters {
        self.attention.post.letters()
    }

    /// What the next build reads from.
    pub(crate) fn files(&mut self, trigger: Trigger) -> Files<'_> {
        self.shelf.begin();
        Files::new(&mut self.shelf, trigger)
    }

    /// Waits until there is something to do, or to report.
    pub(crate) fn step(&mut self) -> Turn {
        if self.attention.stopped {
            return Turn::Stop;
        }
        let wait = self.attention.wait(&mut self.shelf);
        if wait == Wait::Idle {
            self.tick();
        }
        match wait {
            _ if self.attention.stopped => Turn::Stop,
            Wait::Due => Turn::Look,
            Wait::Over | Wait::Idle => Turn::Rest,
        }
    }

    /// Tells whoever waits for rest, if there is some.
    pub(crate) fn answer(&mut self) {
        self.attention.answer(mem::take(&mut self.rested));
    }

    /// Reads what is under suspicion, then makes sure that nothing changed meanwhile.
    /// True if so: then all that is on the shelf was on the disk at one moment, whole.
    pub(crate) fn look(&mut self) -> bool {
        let suspects = self.attention.settle.take(Instant::now());
        self.arm(&suspects);
        let all = suspects.get(Path::new(EVERYTHING)).copied();
        let (ear, youth, empty_rule) =
            (&self.attention.post.ear, self.youth, self.options.takes(Step::EmptyRule));
        let heard = |chain: &Chain| chain.last().is_some_and(|last| ear.hears(&last.folder));
        let (quiet, patience, read) = (self.options.quiet, PATIENCE, self.options.reading());
        let terms = |chain: &Chain| {
            let heard = heard(chain);
            Terms { all, heard, youth, quiet, patience, empty_rule, read }
        };
        for name in self.shelf.refresh(terms) {
            self.attention.settle.dirty(&name, Instant::now());
        }
        if self.options.takes(Step::Barrier) {
            self.attention.listen(&mut self.shelf);
        }
        !self.attention.settle.is_disturbed()
    }

    /// Whether a build is due, given that all is as [`look`](Self::look) found it.
    pub(crate) fn wants_build(&self) -> bool {
        self.attention.cause.trigger() == Trigger::Request || self.shelf.differs()
    }

    /// Nothing differs: whatever was heard was nothing.
    pub(crate) fn rest(&mut self) {
        self.attention.cause.rest();
    }

    pub(crate) fn trigger(&self) -> Trigger {
        self.attention.cause.trigger()
    }

    /// Whether what the build was given was on the disk at one moment, whole.
    pub(crate) fn confirms(&mut self) -> bool {
        !self.shelf.is_unproven() || (self.look() && !self.shelf.differs())
    }

    /// The same, for the first build: waits until all is quiet, but not beyond `end`. A build that `failed` may have
    /// been given a file that was just being written, before anyone listened.
    pub(crate) fn confirms_first(&mut self, failed: bool, end: Instant) -> bool {
        self.youth = if failed { self.options.quiet } else { Duration::ZERO };
        let mut settled = self.look();
        while !settled && Instant::now() < end {
            settled = self.step() == Turn::Look && self.look();
        }
        self.youth = self.options.quiet;
        Instant::now() >= end || !self.shelf.differs()
    }

    /// The build's result is in force, or was refused: what it was given is what the next one is compared with.
    pub(crate) fn accept(&mut self) {
        self.attention.cause.accept();
        self.shelf.accept();
    }

    /// The build panicked, so who knows what else it would have read: keep watching everything.
    pub(crate) fn accept_broken(&mut self) {
        self.rest();
    }

    /// The build was given what was not on the disk at one moment: its result does not count.
    pub(crate) fn discard(&mut self) {
        self.shelf.discard();
        self.attention.settle.glance(Path::new(EVERYTHING));
    }

    /// Whether it is known in which ways watching is less than it should be: not while something is being tried again.
    pub(crate) fn knows_faults(&self) -> bool {
        !self.attention.post.rearm
    }

    /// In which ways watching is less than it should be.
    pub(crate) fn faults(&self) -> BTreeSet<Degraded> {
        let mut faults = self.attention.post.faults();
        if self.attention.cause.is_missed() {
            faults.insert(Degraded::MissedEvents);
        }
        faults
    }

    /// Watches every folder on every way that is under suspicion, before anything is read.
    fn arm(&mut self, suspects: &Suspects) {
        for _ in 0..ROUNDS {
            let moved = self.shelf.trace(suspects);
            let rearm = mem::take(&mut self.attention.post.rearm);
            if !moved && !self.attention.post.ear.doubts() && !rearm {
                return;
            }
            let news = self.attention.post.ear.attend(self.shelf.wards());
            if rearm {
                // Nobody listened for a moment: a save may be under way of which no event will tell.
                self.shelf.distrust_all();
            }
            if !news {
                return;
            }
        }
    }

    /// Looks at everything, in case no event told; and tries to get back what is degraded.
    fn tick(&mut self) {
        let Attention { post, settle, .. } = &mut self.attention;
        if post.retry() {
            settle.glance(Path::new(EVERYTHING));
        }
        let asked = self.attention.asked();
        if asked > 0 {
            self.attention.listen(&mut self.shelf);
        }
        let ear = &self.attention.post.ear;
        let found = self.shelf.look(|chain| chain.last().is_some_and(|last| ear.is_remote(&last.folder)));
        if !found.is_empty() {
            // Perhaps its event is under way.
            self.attention.listen(&mut self.shelf);
            if !self.attention.settle.is_disturbed() {
                self.blame(&found);
            }
        }
        self.attention.post.looked();
        if self.attention.settle.decide(Instant::now()) == Decision::Rest {
            self.rested = asked;
        }
    }

    /// Looking found that something happened at these names, of which no event told.
    fn blame(&mut self, found: &[PathBuf]) {
        let faultless = self.knows_faults() && self.attention.post.faults().is_empty();
        self.attention.cause.look(self.options.events && faultless);
        self.shelf.distrust(found);
        for name in found {
            self.attention.settle.dirty(name, Instant::now());
        }
    }
}
