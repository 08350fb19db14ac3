//! One file that a build reads, as far as it is known.

use crate::engine::reading::{self, Content, Reading, Stat};
use crate::error::ReadErrorKind;
use crate::fingerprint::Id;
use crate::resolved_path::ResolvedPath;
use crate::settle::{PATIENCE, Writer};
use crate::switches::{Step, Switches};
use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Number of tries of a first reading. No event protects it.
const FIRST_READINGS: u32 = 50;

/// An empty file must be quiet for this many quiet periods. Few files are meant to be empty, and a busy machine may hold up a
/// writer that has just emptied its file.
const EMPTY_FACTOR: u32 = 4;

/// Two saves of one file within this time are a series.
const SERIES: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct WatchedFile {
    path: PathBuf,
    limit: u64,
    pub(crate) resolved: ResolvedPath,
    stat: Stat,
    racy: bool,
    pub(crate) content: Content,
    /// The content that the last build was given.
    given: Option<Content>,
    /// The number of the last build that asked for the file.
    pub(crate) used: u64,
    /// A change that is polled until it stops, and when it began.
    changing: Option<(Stat, Instant)>,
    /// The poll found a change of which no event told.
    missed: bool,
    /// It was read, but not since it is watched.
    unproven: bool,
    /// An event named it, or a name on the way to it.
    named: Option<Writer>,
    /// The state of its writers, by the events, when it was read last.
    writer: Writer,
}

/// The outcome of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refreshed {
    Done,
    /// Done, unless an event follows: that of the last write may come only now.
    AwaitsEvent,
    /// It must be repeated after some quiet.
    NotYet,
}

/// The conditions under which a file is read again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RefreshRules<'a> {
    /// Everything is pending, though no event named it.
    pub(crate) all: Option<Writer>,
    /// Every change of the file makes an event.
    pub(crate) covered: bool,
    /// A file that was not watched until now and was changed less than this ago may not be complete.
    pub(crate) youth: Duration,
    pub(crate) quiet: Duration,
    pub(crate) switches: &'a Switches,
}

impl WatchedFile {
    pub(crate) fn open(path: PathBuf, limit: u64) -> Self {
        let busy = ReadErrorKind::Other(io::ErrorKind::ResourceBusy, "it changes all the time".to_owned());
        let mut file = Self {
            resolved: ResolvedPath::new(&path),
            path,
            limit,
            stat: Err(busy.clone()),
            racy: true,
            content: Err(busy),
            given: None,
            used: 0,
            changing: None,
            missed: false,
            unproven: true,
            named: None,
            writer: Writer::Unknown,
        };
        for _ in 0..FIRST_READINGS {
            if file.adopt(reading::read(&file.path, limit, &Switches::default())) {
                break;
            }
            thread::sleep(Duration::from_millis(1));
        }
        file
    }

    /// The content. Records that the build of this number was given it.
    pub(crate) fn give(&mut self, build: u64) -> Content {
        self.used = build;
        self.given = Some(self.content.clone());
        self.content.clone()
    }

    /// True if the content is not what the last build was given.
    pub(crate) fn differs(&self) -> bool {
        self.given.as_ref() != Some(&self.content)
    }

    /// Resolves the path again. True if other names are on the way now.
    pub(crate) fn resolve(&mut self) -> bool {
        let resolved = ResolvedPath::new(&self.path);
        let differs = resolved.components != self.resolved.components;
        self.resolved = resolved;
        differs
    }

    /// The same when events named only the last name on the way.
    pub(crate) fn resolve_end(&mut self) -> bool {
        let updated = self.resolved.update_end();
        let leads_there = || self.resolved.end.as_ref().map(|(_, id)| *id) == Id::at(&self.path).ok();
        !(updated && leads_there()) && self.resolve()
    }

    /// True if the path means another file than when it was last resolved.
    pub(crate) fn has_moved(&self) -> bool {
        let id = ResolvedPath::new(&self.path).end.map(|(_, id)| id);
        id.is_some() && id != self.resolved.end.as_ref().map(|(_, id)| *id)
    }

    /// True if it was not read since it is watched.
    pub(crate) fn is_unproven(&self) -> bool {
        self.unproven
    }

    /// True if it looks different than when it was read. `open` makes a network file system ask its server.
    pub(crate) fn looks_different(&mut self, open: bool) -> bool {
        let looked = if open { reading::stat_opened(&self.path) } else { reading::stat(&self.path) };
        if looked == self.stat && self.racy {
            // It may have changed without looking different.
            let reading = reading::read(&self.path, self.limit, &Switches::default());
            let same = reading.filter(|now| now.content == self.content && now.stat == self.stat);
            self.racy = same.as_ref().is_none_or(|now| now.racy);
            return same.is_none();
        }
        looked != self.stat
    }

    /// A change was found of which no event told, so no event tells of its end either.
    pub(crate) fn mark_missed(&mut self) {
        self.missed = true;
    }

    /// An event told that the file was written: events can be relied on again.
    pub(crate) fn confirm(&mut self) {
        self.missed = false;
        self.changing = None;
    }

    /// An event named the file, or a name on the way to it.
    pub(crate) fn name(&mut self, writer: Writer) {
        self.named = self.named.max(Some(writer));
    }

    /// Reads the file again if there is a cause.
    pub(crate) fn refresh(&mut self, rules: RefreshRules<'_>) -> Refreshed {
        let named = self.named.take();
        let writer = named.or(rules.all).unwrap_or(Writer::Unknown);
        let settled = writer == Writer::Quiet;
        if named.is_none() && rules.all.is_none() && !self.unproven {
            return Refreshed::Done;
        }
        let looked = reading::stat(&self.path);
        if looked == self.stat && !self.racy && !self.unproven && named.is_none() {
            return Refreshed::Done;
        }
        if self.unproven && named.is_none() && !settled && is_young(&looked, rules.youth) {
            return Refreshed::NotYet;
        }
        let is_unreported = !rules.covered || self.missed;
        if is_unreported && looked != self.stat && !self.has_stopped_changing(&looked) {
            return Refreshed::NotYet;
        }
        let reading = reading::read(&self.path, self.limit, rules.switches);
        let may_be_empty = settled && !is_young(&looked, rules.quiet * EMPTY_FACTOR);
        if rules.switches.takes(Step::EmptyRule) && !may_be_empty && self.is_emptied_by(reading.as_ref()) {
            return Refreshed::NotYet;
        }
        let before = (self.writer != Writer::Renamed).then(|| self.stat.clone());
        if !self.adopt(reading) {
            return Refreshed::NotYet;
        }
        self.writer = writer;
        self.changing = None;
        self.missed = false;
        self.unproven = false;
        if self.racy && may_be_in_a_write(writer, before.as_ref(), &self.stat) {
            return Refreshed::AwaitsEvent;
        }
        Refreshed::Done
    }

    /// True if it looks as it did at the last attempt, one quiet period ago.
    fn has_stopped_changing(&mut self, looked: &Stat) -> bool {
        match &mut self.changing {
            Some((before, since)) if before == looked || since.elapsed() > PATIENCE => true,
            Some((before, _)) => {
                before.clone_from(looked);
                false
            }
            None => {
                self.changing = Some((looked.clone(), Instant::now()));
                false
            }
        }
    }

    /// A writer may empty the file in one opening and write it in another. So no event says that an empty file is complete.
    fn is_emptied_by(&self, reading: Option<&Reading>) -> bool {
        let is_empty = |content: &Content| content.as_ref().is_ok_and(|bytes| bytes.is_empty());
        reading.is_some_and(|reading| is_empty(&reading.content))
            && (self.unproven || !is_empty(&self.content))
    }

    /// False if the file changed while it was read.
    fn adopt(&mut self, reading: Option<Reading>) -> bool {
        let Some(Reading { content, stat, racy }) = reading else { return false };
        self.stat = stat;
        self.racy = racy;
        if content != self.content {
            self.content = content;
        }
        true
    }
}

/// True if a writer may be inside a call whose event is still missing. Then the reading may have a part of its save.
///
/// The kernel queues the event of a write after it has released the inode's lock. So a reading can see the bytes and not the
/// event. Only a write over the old bytes can do so:
///
/// * A rename brings a file that was written under another name.
/// * `close_write` is queued when the last descriptor of an opening is gone. Each write through that opening has returned by then, and
///   queued its event before. So only the *next* save can be under way, and it must have begun within microseconds.
/// * The event of a truncation is queued while the lock is held. So a save that empties the file first cannot be missed.
///
/// A program that saves over the old bytes twice within microseconds does so again and again. So a file that was closed awaits the event
/// only if it was also overwritten `before`, less than [`SERIES`] ago.
fn may_be_in_a_write(writer: Writer, before: Option<&Stat>, now: &Stat) -> bool {
    match (writer, before, now) {
        (Writer::Closed, Some(Ok(before)), Ok(now)) => now.follows(before, SERIES),
        (Writer::Renamed | Writer::Closed, ..) => false,
        (Writer::Unknown | Writer::Quiet, ..) => true,
    }
}

fn is_young(looked: &Stat, youth: Duration) -> bool {
    looked.as_ref().is_ok_and(|looked| looked.is_younger(youth, SystemTime::now()))
}

#[cfg(test)]
mod tests {
    use super::may_be_in_a_write;
    use crate::engine::reading;
    use crate::settle::Writer;
    use std::fs::{self, File};
    use std::time::{Duration, SystemTime};

    #[test]
    fn only_a_file_that_is_overwritten_awaits_an_event() {
        let folder = tempfile::tempdir().unwrap();
        let begin = SystemTime::now();
        let stat = |name: &str, ms| {
            let path = folder.path().join(name);
            fs::write(&path, "x").unwrap();
            let file = File::options().write(true).open(&path).unwrap();
            file.set_modified(begin + Duration::from_millis(ms)).unwrap();
            reading::stat(&path)
        };
        let (before, soon, later, other) = (stat("a", 0), stat("a", 999), stat("a", 1000), stat("b", 1));
        let missing = reading::stat(&folder.path().join("missing"));
        let rows = [
            ("renamed", Writer::Renamed, Some(&before), &soon, false),
            ("closed, and overwritten just before", Writer::Closed, Some(&before), &soon, true),
            ("closed, and overwritten long before", Writer::Closed, Some(&before), &later, false),
            ("closed, and renamed here before", Writer::Closed, None, &soon, false),
            ("closed, another file than before", Writer::Closed, Some(&before), &other, false),
            ("closed, none before", Writer::Closed, Some(&missing), &soon, false),
            ("not closed", Writer::Unknown, None, &later, true),
            ("not closed, but quiet", Writer::Quiet, None, &later, true),
        ];
        for (claim, writer, before, now, expected) in rows {
            assert_eq!(may_be_in_a_write(writer, before, now), expected, "{claim}");
        }
    }
}
