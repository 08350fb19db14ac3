//! Where hints arrive: an ear with its mailbox, which gets itself a new one when it has gone deaf.

use crate::degraded::Degraded;
use crate::ear::Ear;
use crate::event::Hint;
use crate::letters::Letters;
use crate::options::Options;
use std::collections::{BTreeSet, VecDeque};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// The longest pause between two attempts to get back what is degraded.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

pub(crate) struct Post {
    events: bool,
    poll: Duration,
    options: Options,
    letters: Letters,
    inbox: Receiver<Hint>,
    /// Heard, and not received yet.
    heard: VecDeque<Hint>,
    pub(crate) ear: Ear,
    /// The ear must be told again what to attend to.
    pub(crate) rearm: bool,
    last_look: Instant,
    next_retry: Instant,
    retry_pause: Duration,
}

impl Post {
    pub(crate) fn open(options: Options) -> Self {
        let (letters, inbox) = Letters::open();
        let now = Instant::now();
        let mut post = Self {
            events: options.events,
            poll: options.poll,
            letters,
            inbox,
            heard: VecDeque::new(),
            ear: Ear::deaf(),
            rearm: true,
            last_look: now,
            next_retry: now + options.poll,
            retry_pause: options.poll,
            options,
        };
        if post.events {
            post.renew_ear();
        }
        post
    }

    /// Where to send a request or the end to.
    pub(crate) fn letters(&self) -> Letters {
        self.letters.clone()
    }

    /// The next hint, if there is one by `end`. A hint that is there already is returned even after `end`.
    pub(crate) fn receive(&mut self, end: Instant) -> Option<Hint> {
        loop {
            let hint = self.received();
            if hint.is_some() {
                return hint;
            }
            let left = end.saturating_duration_since(Instant::now());
            self.ear.wait(&self.inbox, left, &mut self.heard);
            if left.is_zero() {
                return self.received();
            }
        }
    }

    /// The next hint, if it has arrived.
    pub(crate) fn received(&mut self) -> Option<Hint> {
        self.heard.pop_front().or_else(|| self.inbox.try_recv().ok())
    }

    /// Lets everything arrive that has happened by now. False if that cannot be.
    pub(crate) fn catch_up(&mut self) -> bool {
        self.ear.catch_up(&mut self.heard)
    }

    /// The ear of this number has gone deaf.
    pub(crate) fn lose_ear(&mut self, number: u64) {
        if number == self.ear.number() {
            self.ear = Ear::deaf();
            self.next_retry = Instant::now();
        }
    }

    /// Another ear, in whose stead the last one is dropped.
    pub(crate) fn renew_ear(&mut self) {
        let number = self.ear.number() + 1;
        let held_back = self.options.held_back.clone();
        // First the old one, so that a limit that leaves room for one only leaves room for this one.
        self.ear = Ear::deaf();
        self.ear = Ear::open(number, held_back, &self.letters);
        self.rearm = true;
    }

    /// When to look at everything, in case no event told.
    pub(crate) fn next_look(&self, missed: bool) -> Instant {
        let hears = self.events && !missed && self.faults().is_empty();
        self.last_look + if hears { self.poll } else { self.poll / 4 }
    }

    /// Everything has been looked at.
    pub(crate) fn looked(&mut self) {
        self.last_look = Instant::now();
    }

    /// Tries to get back what is degraded, now and then. True if everything must be looked at for that.
    pub(crate) fn retry(&mut self) -> bool {
        let faults = self.faults();
        if faults.iter().all(|fault| *fault == Degraded::Remote) {
            self.retry_pause = self.poll;
            return false;
        }
        if Instant::now() < self.next_retry {
            return false;
        }
        self.next_retry = Instant::now() + self.retry_pause;
        self.retry_pause = (self.retry_pause * 2).min(LONGEST_PAUSE);
        if faults.contains(&Degraded::NoEvents) {
            self.renew_ear();
            return true;
        }
        self.ear.forgive();
        self.rearm = true;
        true
    }

    /// What is wrong with the ear; that there is none is no fault where none is wanted.
    pub(crate) fn faults(&self) -> BTreeSet<Degraded> {
        if self.events { self.ear.faults() } else { BTreeSet::new() }
    }
}
