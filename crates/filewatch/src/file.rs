//! One file that a build read, as it is known at the moment.

use crate::chain::Chain;
use crate::error::ReadErrorKind;
use crate::fingerprint::Id;
use crate::reading::{self, Content, Glimpse, Reading};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// A first reading, which no event protects, is tried this often before the file is called restless.
const FIRST_READINGS: u32 = 50;

/// An empty file must have been quiet for so many times the usual quiet: hardly anyone means it, while a writer that has just cut
/// its file off is easily held up.
const EMPTY: u32 = 4;

#[derive(Debug)]
pub(crate) struct WatchedFile {
    path: PathBuf,
    limit: u64,
    pub(crate) chain: Chain,
    glimpse: Glimpse,
    racy: bool,
    pub(crate) content: Content,
    /// What the last build was given.
    seen: Option<Content>,
    /// The number of the build that asked for it last.
    pub(crate) used: u64,
    /// The change that is being watched for quiet by looking, and since when there has been no quiet.
    restless: Option<(Glimpse, Instant)>,
    /// A change was found of which no event told.
    found_by_looking: bool,
    /// It was read, but never while it was watched.
    fresh: bool,
    /// An event named it, or a name on the way to it; whether that was followed by quiet.
    suspected: Option<bool>,
}

/// Under what conditions a file is read again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// Everything is under suspicion, though no event named it; whether after some quiet.
    pub(crate) all: Option<bool>,
    /// Events tell when it is written.
    pub(crate) heard: bool,
    /// A file that nobody watched until now, changed less than this ago, may not be whole yet.
    pub(crate) youth: Duration,
    /// An empty file, changed less than this ago, may just have been cut off.
    pub(crate) quiet: Duration,
    /// How long to wait for a file that never rests, where no events tell.
    pub(crate) patience: Duration,
    /// Off only where a test shows what it is good for.
    pub(crate) empty_rule: bool,
    /// A careful one, but where a test shows what the care is good for.
    pub(crate) read: fn(&Path, u64) -> Reading,
}

impl WatchedFile {
    pub(crate) fn open(path: PathBuf, limit: u64) -> Self {
        let restless =
            ReadErrorKind::Other(io::ErrorKind::ResourceBusy, "it changes all the time".to_owned());
        let mut file = Self {
            chain: Chain::follow(&path),
            path,
            limit,
            glimpse: Err(restless.clone()),
            racy: true,
            content: Err(restless),
            seen: None,
            used: 0,
            restless: None,
            found_by_looking: false,
            fresh: true,
            suspected: None,
        };
        for _ in 0..FIRST_READINGS {
            if file.adopt(reading::read(&file.path, limit)) {
                break;
            }
            thread::sleep(Duration::from_millis(1));
        }
        file
    }

    /// The content, which the build of this number has now seen.
    pub(crate) fn give(&mut self, build: u64) -> Content {
        self.used = build;
        self.seen = Some(self.content.clone());
        self.content.clone()
    }

    pub(crate) fn differs(&self) -> bool {
        self.seen.as_ref() != Some(&self.content)
    }

    /// Looks up the way to it again; whether it leads over other names now.
    pub(crate) fn follow(&mut self) -> bool {
        let chain = Chain::follow(&self.path);
        let differs = chain.links != self.chain.links;
        self.chain = chain;
        differs
    }

    /// The same where events named nothing on the way but its end.
    pub(crate) fn follow_end(&mut self) -> bool {
        let renewed = self.chain.renew_end();
        let leads_there = || self.chain.end.as_ref().map(|(_, id)| *id) == Id::at(&self.path).ok();
        !(renewed && leads_there()) && self.follow()
    }

    /// Whether the path means another file than it did when it was last looked up.
    pub(crate) fn has_moved(&self) -> bool {
        let id = Chain::follow(&self.path).end.map(|(_, id)| id);
        id.is_some() && id != self.chain.end.as_ref().map(|(_, id)| *id)
    }

    /// Whether it was never read while it was watched.
    pub(crate) fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Looks whether it is as it was when it was read. `opened` asks a network file system's server.
    pub(crate) fn looks_different(&mut self, opened: bool) -> bool {
        let looked = if opened { reading::glimpse_opened(&self.path) } else { reading::glimpse(&self.path) };
        if looked == self.glimpse && self.racy {
            // It looks the same but need not be.
            return match reading::read(&self.path, self.limit) {
                Reading::Done { content, .. } if content != self.content => true,
                Reading::Done { glimpse, .. } if glimpse != self.glimpse => true,
                Reading::Done { racy, .. } => {
                    self.racy = racy;
                    false
                }
                Reading::Unstable => true,
            };
        }
        looked != self.glimpse
    }

    /// The next reading is one for which no event can vouch.
    pub(crate) fn distrust(&mut self) {
        self.found_by_looking = true;
    }

    /// An event told that it was written: the next reading is vouched for again.
    pub(crate) fn trust(&mut self) {
        self.found_by_looking = false;
        self.restless = None;
    }

    /// An event named it.
    pub(crate) fn suspect(&mut self, settled: bool) {
        self.suspected = Some(self.suspected.unwrap_or(false) || settled);
    }

    /// Reads it again where there is cause to. False if that must be repeated after some quiet.
    pub(crate) fn refresh(&mut self, terms: Terms) -> bool {
        let named = self.suspected.take();
        let settled = named.or(terms.all).unwrap_or(false);
        if named.is_none() && terms.all.is_none() && !self.fresh {
            return true;
        }
        let looked = reading::glimpse(&self.path);
        if looked == self.glimpse && !self.racy && !self.fresh && named.is_none() {
            return true;
        }
        if self.fresh && named.is_none() && !settled && is_young(&looked, terms.youth) {
            return false;
        }
        let unvouched = !terms.heard || self.found_by_looking;
        if unvouched && looked != self.glimpse && !self.has_rested(&looked, terms.patience) {
            return false;
        }
        let reading = (terms.read)(&self.path, self.limit);
        let may_be_meant = settled && !is_young(&looked, terms.quiet * EMPTY);
        if terms.empty_rule && !may_be_meant && self.is_emptied_by(&reading) {
            return false;
        }
        let done = self.adopt(reading);
        if done {
            self.restless = None;
            self.found_by_looking = false;
            self.fresh = false;
        }
        done
    }

    /// Whether it looks as it did at the last attempt, one quiet ago.
    fn has_rested(&mut self, looked: &Glimpse, patience: Duration) -> bool {
        match &mut self.restless {
            Some((before, since)) if before == looked || since.elapsed() > patience => true,
            Some((before, _)) => {
                before.clone_from(looked);
                false
            }
            None => {
                self.restless = Some((looked.clone(), Instant::now()));
                false
            }
        }
    }

    /// It may have been emptied to be written in another opening, so that no event can vouch for an empty file.
    fn is_emptied_by(&self, reading: &Reading) -> bool {
        let is_empty = |content: &Content| content.as_ref().is_ok_and(|bytes| bytes.is_empty());
        matches!(reading, Reading::Done { content, .. } if is_empty(content))
            && (self.fresh || !is_empty(&self.content))
    }

    fn adopt(&mut self, reading: Reading) -> bool {
        let Reading::Done { content, glimpse, racy } = reading else { return false };
        self.glimpse = glimpse;
        self.racy = racy;
        if content != self.content {
            self.content = content;
        }
        true
    }
}

fn is_young(looked: &Glimpse, youth: Duration) -> bool {
    looked.as_ref().is_ok_and(|looked| looked.is_younger(youth, SystemTime::now()))
}

/// The path from the root, as the file is known by.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
