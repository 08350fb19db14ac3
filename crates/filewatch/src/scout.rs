//! Keeps what the builds read in step with the disk: hears, waits, reads, and makes sure.

use crate::chain::Chain;
use crate::degraded::Degraded;
use crate::ear::Barrier;
use crate::event::{Hint, Sign};
use crate::file::Terms;
use crate::files::Files;
use crate::live::Trigger;
use crate::marker::LOST;
use crate::post::Post;
use crate::settle::{Decision, EVERYTHING, Settle, Suspects};
use crate::shelf::Shelf;
use crate::watch::{Step, Watch};
use std::collections::BTreeSet;
use std::mem;
use std::path::Path;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

/// A file that is written to without a pause is read all the same after this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// Resolving and watching are repeated until nothing moves meanwhile, but not for ever.
pub(crate) const ROUNDS: usize = 8;

/// So often is a marker waited for before the watcher itself is taken for lost.
const LOSSES: u32 = 4;

pub(crate) struct Scout {
    watch: Watch,
    post: Post,
    shelf: Shelf,
    settle: Settle,
    /// Why what is under suspicion is so: by an event rather than by looking, by a request rather than by an event.
    cause: Trigger,
    /// Changed less than this ago, a file that nobody watched until now is not trusted to be whole.
    youth: Duration,
    /// Looking found something of which an event should have told.
    unheard: bool,
    /// So it was the last time that something was found.
    missed: bool,
    stopped: bool,
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
    pub(crate) fn open(watch: Watch) -> Self {
        Self {
            post: Post::open(watch.clone()),
            shelf: Shelf::default(),
            settle: Settle::new(watch.quiet, PATIENCE),
            cause: Trigger::Start,
            youth: Duration::ZERO,
            unheard: false,
            missed: false,
            stopped: false,
            watch,
        }
    }

    /// Where to send a request or the end to.
    pub(crate) fn hints(&self) -> Sender<Hint> {
        self.post.hints()
    }

    /// What the next build reads from.
    pub(crate) fn files(&mut self, trigger: Trigger) -> Files<'_> {
        self.shelf.begin();
        Files::new(&mut self.shelf, trigger)
    }

    /// Waits until there is something to do, or to report.
    pub(crate) fn step(&mut self) -> Turn {
        let now = Instant::now();
        let decision = self.settle.decide(now);
        let until = match decision {
            _ if self.stopped => return Turn::Stop,
            Decision::Read => return Turn::Look,
            Decision::Until(then) => then,
            Decision::Rest => self.post.next_look(self.missed),
        };
        match self.post.receive(until) {
            Some(hint) => {
                self.apply(hint);
                self.drain();
            }
            None if decision == Decision::Rest => self.tick(),
            None => {}
        }
        if self.stopped { Turn::Stop } else { Turn::Rest }
    }

    /// Reads what is under suspicion, then makes sure that nothing changed meanwhile.
    /// True if so: then all that is on the shelf was on the disk at one moment, whole.
    pub(crate) fn look(&mut self) -> bool {
        let suspects = self.settle.take(Instant::now());
        self.arm(&suspects);
        let all = suspects.get(Path::new(EVERYTHING)).copied();
        let (ear, youth, empty_rule) = (&self.post.ear, self.youth, self.watch.takes(Step::EmptyRule));
        let heard = |chain: &Chain| chain.last().is_some_and(|last| ear.hears(&last.folder));
        let (quiet, patience, two_looks) = (self.watch.quiet, PATIENCE, self.watch.takes(Step::TwoLooks));
        let terms = |chain: &Chain| {
            let heard = heard(chain);
            Terms { all, heard, youth, quiet, patience, empty_rule, two_looks }
        };
        for name in self.shelf.refresh(terms) {
            self.settle.dirty(&name, Instant::now());
        }
        if self.watch.takes(Step::Barrier) {
            self.listen();
        }
        !self.settle.is_disturbed()
    }

    /// Whether a build is due, given that all is as [`look`](Self::look) found it.
    pub(crate) fn wants_build(&self) -> bool {
        self.cause == Trigger::Request || self.shelf.differs()
    }

    /// Nothing differs: whatever was heard was nothing.
    pub(crate) fn rest(&mut self) {
        self.cause = Trigger::Poll;
        self.unheard = false;
    }

    pub(crate) fn trigger(&self) -> Trigger {
        self.cause
    }

    /// Whether what the build was given was on the disk at one moment, whole.
    pub(crate) fn confirms(&mut self) -> bool {
        !self.shelf.is_unproven() || (self.look() && !self.shelf.differs())
    }

    /// The same, for the first build: waits until all is quiet, but not beyond `end`. A build that `failed` may have
    /// been given a file that was just being written, before anyone listened.
    pub(crate) fn confirms_first(&mut self, failed: bool, end: Instant) -> bool {
        self.youth = if failed { self.watch.quiet } else { Duration::ZERO };
        let mut settled = self.look();
        while !settled && Instant::now() < end {
            settled = self.step() == Turn::Look && self.look();
        }
        self.youth = self.watch.quiet;
        Instant::now() >= end || !self.shelf.differs()
    }

    /// The build's result is in force, or was refused: what it was given is what the next one is compared with.
    pub(crate) fn accept(&mut self) {
        match self.cause {
            Trigger::Poll => self.missed |= self.unheard,
            Trigger::Event => self.missed = false,
            Trigger::Start | Trigger::Request => {}
        }
        self.shelf.accept();
        self.rest();
    }

    /// The build panicked, so who knows what else it would have read: keep watching everything.
    pub(crate) fn accept_broken(&mut self) {
        self.rest();
    }

    /// The build was given what was not on the disk at one moment: its result does not count.
    pub(crate) fn discard(&mut self) {
        self.shelf.discard();
        self.settle.glance(Path::new(EVERYTHING));
    }

    /// Whether it is known in which ways watching is less than it should be: not while something is being tried again.
    pub(crate) fn knows_faults(&self) -> bool {
        !self.post.rearm
    }

    /// In which ways watching is less than it should be.
    pub(crate) fn faults(&self) -> BTreeSet<Degraded> {
        let mut faults = self.post.faults();
        if self.missed {
            faults.insert(Degraded::MissedEvents);
        }
        faults
    }

    /// Watches every folder on every way that is under suspicion, before anything is read.
    fn arm(&mut self, suspects: &Suspects) {
        for _ in 0..ROUNDS {
            let moved = self.shelf.trace(suspects);
            let rearm = mem::take(&mut self.post.rearm);
            if !moved && !self.post.ear.doubts() && !rearm {
                return;
            }
            let news = self.post.ear.attend(self.shelf.wards());
            if rearm {
                // Nobody listened for a moment: a save may be under way of which no event will tell.
                self.shelf.distrust_all();
            }
            if !news {
                return;
            }
        }
    }

    /// Returns when everything that happened before has been heard.
    fn listen(&mut self) {
        let mut lost = 0;
        while lost < LOSSES && !self.post.ear.is_deaf() {
            let heard = match self.post.ear.fire() {
                Barrier::Marker => self.hear_markers(),
                Barrier::Late => {
                    // It vouches for what was read before it was touched, not for this.
                    match self.hear_markers() {
                        Heard::Markers => continue,
                        other => other,
                    }
                }
                Barrier::Passed => return self.drain(),
                Barrier::Broken => break,
            };
            match heard {
                Heard::Markers => return,
                // The marker may be among what was dropped.
                Heard::Overflow => {}
                Heard::Nothing => {
                    lost += 1;
                    self.settle.dirty(Path::new(EVERYTHING), Instant::now());
                }
            }
        }
        if self.watch.events && !self.post.ear.is_deaf() {
            self.post.renew_ear();
            self.settle.glance(Path::new(EVERYTHING));
        }
    }

    fn drain(&mut self) {
        while let Some(hint) = self.post.try_receive() {
            self.apply(hint);
        }
    }

    /// Waits until every marker that was touched has been heard of.
    fn hear_markers(&mut self) -> Heard {
        let end = Instant::now() + LOST;
        while self.post.ear.is_late() {
            match self.post.receive(end) {
                Some(Hint::Lost) => {
                    self.apply(Hint::Lost);
                    return Heard::Overflow;
                }
                Some(hint) => self.apply(hint),
                None => return Heard::Nothing,
            }
        }
        Heard::Markers
    }

    fn apply(&mut self, hint: Hint) {
        match hint {
            Hint::Stop => self.stopped = true,
            Hint::Request => {
                self.cause = Trigger::Request;
                self.settle.glance(Path::new(EVERYTHING));
            }
            Hint::Lost => {
                self.blame_event();
                self.post.ear.lost();
                self.post.rearm = true;
                self.post.ear.doubt(Path::new(EVERYTHING));
                self.settle.dirty(Path::new(EVERYTHING), Instant::now());
            }
            Hint::Died(number) => self.post.lose_ear(number),
            Hint::Marker(number) => self.post.ear.heard(number),
            Hint::Seen(sign, path) => {
                if self.post.ear.awaits(&path).unwrap_or_else(|| self.shelf.concerns_tree(&path)) {
                    self.blame_event();
                    self.weigh(sign, &path);
                }
            }
        }
    }

    fn blame_event(&mut self) {
        if self.cause == Trigger::Poll {
            self.cause = Trigger::Event;
        }
    }

    fn weigh(&mut self, sign: Sign, path: &Path) {
        if matches!(sign, Sign::Arrived | Sign::Left | Sign::Made | Sign::Gone) {
            self.post.ear.doubt(path);
        }
        if matches!(sign, Sign::Closed | Sign::Arrived | Sign::Written) {
            self.shelf.trust(path);
        }
        match sign {
            _ if !self.watch.takes(Step::Patience) => self.settle.commit(path),
            Sign::Closed => self.settle.commit(path),
            Sign::Touched => self.settle.glance(path),
            Sign::Arrived if self.shelf.is_replaced(path) => self.settle.commit(path),
            // Two files that were exchanged both leave and both arrive.
            Sign::Left if path.symlink_metadata().is_ok() && self.shelf.is_replaced(path) => {
                self.settle.commit(path);
            }
            Sign::Arrived | Sign::Left | Sign::Made | Sign::Gone | Sign::Written => {
                self.settle.dirty(path, Instant::now());
            }
        }
    }

    /// Looks at everything, in case no event told; and tries to get back what is degraded.
    fn tick(&mut self) {
        if self.post.retry() {
            self.settle.glance(Path::new(EVERYTHING));
        }
        let ear = &self.post.ear;
        let found = self.shelf.look(|chain| chain.last().is_some_and(|last| ear.is_remote(&last.folder)));
        if !found.is_empty() {
            // Perhaps its event is under way.
            self.listen();
            if !self.settle.is_disturbed() {
                self.unheard = self.watch.events && self.knows_faults() && self.post.faults().is_empty();
                self.shelf.distrust(&found);
                for name in &found {
                    self.settle.dirty(name, Instant::now());
                }
            }
        }
        self.post.looked();
    }
}

enum Heard {
    Markers,
    Overflow,
    Nothing,
}
