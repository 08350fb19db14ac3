//! A storm of saves over one file, and what a program that follows it makes of them.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use conformance::Failed;
use serde_json::{Value, json};

use crate::{
    saves::{How, Save, Saves, Text},
    spread,
};

/// A version that rests so long is to be seen before the next: in nanoseconds.
const REST: u64 = 20_000_000;

/// So long may the last version take, on a machine that is very busy.
const LAST: Duration = Duration::from_secs(20);

/// What came of a storm.
#[derive(Debug)]
pub(crate) struct Toll {
    pub(crate) saves: usize,
    pub(crate) published: usize,
    pub(crate) torn: usize,
    /// Of the torn ones, those without a byte.
    pub(crate) empty: usize,
    /// Torn while their writer was held up for longer than the quiet: no fault of the follower.
    pub(crate) excused: usize,
    pub(crate) rejected: usize,
    /// Versions that rested and were not published before the next save.
    pub(crate) missed: usize,
    pub(crate) last_published: bool,
    /// From just before the call that made a save whole, in microseconds.
    pub(crate) delays: Vec<f64>,
}

/// One line of the follower.
enum Told {
    Published { at: u64, length: usize, digest: u64, first: String },
    Rejected,
}

/// Lets a writer rage over a file in `parent` while the program `follow` follows it.
pub(crate) fn over_a_file(
    follow: &Path,
    flags: &[&str],
    parent: &Path,
    saves: impl Fn(PathBuf) -> Saves,
) -> Result<Toll, Failed> {
    let folder = tempfile::Builder::new().prefix("storm-").tempdir_in(parent)?;
    let saves = saves(folder.path().canonicalize()?);
    let path = saves.folder.join(saves.what.file(0));
    fs::write(&path, saves.what.version(0, saves.size))?;
    over(follow, flags, &path, &saves)
}

/// The same over a file that is one of `others` more in the folder that is followed.
pub(crate) fn over_a_folder(
    follow: &Path,
    parent: &Path,
    others: usize,
    saves: impl Fn(PathBuf) -> Saves,
) -> Result<Toll, Failed> {
    let folder = tempfile::Builder::new().prefix("storm-").tempdir_in(parent)?;
    let saves = saves(folder.path().canonicalize()?);
    fs::write(saves.folder.join(saves.what.file(0)), saves.what.version(0, saves.size))?;
    for number in 0..others {
        // Empty, so that what is published is the one that is saved.
        fs::write(saves.folder.join(format!("unchanged-{number}")), "")?;
    }
    over(follow, &[], &saves.folder, &saves)
}

fn over(follow: &Path, flags: &[&str], target: &Path, saves: &Saves) -> Result<Toll, Failed> {
    let mut follower = Follower::start(follow, target, flags)?;
    let log = write(saves)?;
    let last = saves.first + saves.count - 1;
    let told = follower.until(&format!("version: {last}"))?;
    Ok(judge(&log, told, saves.size))
}

/// Runs the writer, and hands over what it did.
pub(crate) fn write(saves: &Saves) -> Result<Vec<Save>, Failed> {
    let how = if saves.how == How::InPlace { "in-place" } else { "by-rename" };
    let what = match saves.what {
        Text::Lines => "lines",
        Text::Layers => "layers",
        Text::Template => "template",
    };
    let numbers = [
        ("--first", saves.first),
        ("--count", saves.count),
        ("--gap", saves.gap),
        ("--pause", saves.pause),
        ("--rest-every", saves.rest_every),
        ("--size", saves.size as u64),
    ];
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("saves").arg(&saves.folder).args(["--what", what, "--how", how]);
    for (flag, number) in numbers {
        command.arg(flag).arg(number.to_string());
    }
    let output = command.stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8(output.stdout)?;
    let log: Vec<Save> = text.lines().filter_map(Save::parse).collect();
    if !output.status.success() || log.len() as u64 != saves.count {
        return Err(format!("the writer ended with {} after {} saves", output.status, log.len()).into());
    }
    Ok(log)
}

fn judge(log: &[Save], heard: Vec<Told>, size: usize) -> Toll {
    let mut toll = Toll {
        saves: log.len(),
        published: 0,
        torn: 0,
        empty: 0,
        excused: 0,
        rejected: 0,
        missed: 0,
        last_published: false,
        delays: Vec::new(),
    };
    let saves: HashMap<u64, &Save> = log.iter().map(|save| (save.version, save)).collect();
    let mut seen: HashMap<u64, u64> = HashMap::new();
    for told in heard {
        let Told::Published { at, length, digest, first } = told else {
            toll.rejected += 1;
            continue;
        };
        toll.published += 1;
        let version = first.strip_prefix("version: ").and_then(|number| number.parse().ok());
        let whole = version.filter(|number| {
            let text = Text::Lines.version(*number, size);
            (text.len(), fnv(text.as_bytes())) == (length, digest)
        });
        if let Some(number) = whole {
            seen.entry(number).or_insert(at);
            continue;
        }
        toll.torn += 1;
        toll.empty += usize::from(length == 0);
        toll.excused += usize::from(log.iter().any(|save| save.excuses(at)));
    }
    for pair in log.windows(2) {
        let rested = pair[1].begun.saturating_sub(pair[0].ended) >= REST;
        let in_time = seen.get(&pair[0].version).is_some_and(|at| *at <= pair[1].begun);
        toll.missed += usize::from(rested && !in_time);
    }
    toll.last_published = log.last().is_none_or(|save| seen.contains_key(&save.version));
    toll.delays = seen
        .iter()
        .filter_map(|(version, at)| Some(at.saturating_sub(saves.get(version)?.whole)))
        .map(micros)
        .collect();
    toll
}

#[allow(clippy::cast_precision_loss, reason = "nanoseconds of some seconds")]
fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}

impl Toll {
    /// What must not be: torn values without an excuse, torn values taken for bad edits, or the last one missing.
    pub(crate) fn is_clean(&self) -> bool {
        self.torn == self.excused && self.rejected == 0 && self.last_published
    }

    pub(crate) fn figures(&self) -> Value {
        json!({
            "saves": self.saves,
            "published": self.published,
            "torn": self.torn,
            "torn_empty": self.empty,
            "torn_while_the_writer_was_held_up": self.excused,
            "rejected": self.rejected,
            "rested_but_not_published_in_time": self.missed,
            "last_published": self.last_published,
            "microseconds": spread::summary(self.delays.clone()),
        })
    }
}

/// The program that follows the file; it ends when this is dropped.
struct Follower {
    child: Child,
    told: Receiver<String>,
}

impl Follower {
    fn start(program: &Path, path: &Path, flags: &[&str]) -> Result<Follower, Failed> {
        let mut child = Command::new(program)
            .arg(path)
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start `{}`: {error}", program.display()))?;
        let stdout = child.stdout.take().ok_or("its output is a pipe")?;
        let follower = Follower { told: lines_of(stdout), child };
        // What is in force at the start.
        follower.told.recv_timeout(LAST).map_err(|_| "the follower says nothing")?;
        Ok(follower)
    }

    /// Everything it told until it told of `last`, or for as long as that may take.
    fn until(&mut self, last: &str) -> Result<Vec<Told>, Failed> {
        let mut told = Vec::new();
        while let Ok(line) = self.told.recv_timeout(LAST) {
            let this = parse(&line).ok_or_else(|| format!("the follower said `{line}`"))?;
            let is_last =
                matches!(&this, Told::Published { first, length, .. } if first == last && *length > 0);
            told.push(this);
            if is_last {
                // Its whole text may come a moment after a torn one.
                while let Ok(line) = self.told.recv_timeout(Duration::from_secs(1)) {
                    told.extend(parse(&line));
                }
                break;
            }
        }
        Ok(told)
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(stdout: ChildStdout) -> Receiver<String> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    told
}

fn parse(line: &str) -> Option<Told> {
    if line.starts_with("rejected ") {
        return Some(Told::Rejected);
    }
    let mut words = line.splitn(4, ' ');
    let at = words.next()?.parse().ok()?;
    let length = words.next()?.parse().ok()?;
    let digest = u64::from_str_radix(words.next()?, 16).ok()?;
    Some(Told::Published { at, length, digest, first: words.next().unwrap_or_default().to_owned() })
}

/// FNV-1a, as the follower computes it.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::{Told, fnv, judge};
    use crate::saves::{Save, Text};

    const SIZE: usize = 3500;

    fn published(at: u64, text: &str) -> Told {
        let first = text.lines().next().unwrap_or_default().to_owned();
        Told::Published { at, length: text.len(), digest: fnv(text.as_bytes()), first }
    }

    fn saved(version: u64, begun: u64, stalls: u64) -> Save {
        Save { version, begun, whole: begun + 100, ended: begun + 200, stalls }
    }

    #[test]
    fn only_what_was_saved_whole_is_whole() {
        let text = Text::Lines.version(2, SIZE);
        let rows = [
            ("whole", text.clone(), 0),
            ("cut off", text[..text.len() - 1].to_owned(), 1),
            ("one byte wrong", text.replacen('a', "b", 1), 1),
            ("empty", String::new(), 1),
        ];
        for (claim, read, torn) in rows {
            let toll = judge(&[saved(1, 0, 0), saved(2, 1000, 0)], vec![published(1200, &read)], SIZE);
            assert_eq!((toll.torn, toll.last_published), (torn, torn == 0), "{claim}");
            assert_eq!(toll.is_clean(), torn == 0, "{claim}");
        }
    }

    #[test]
    fn a_writer_that_was_held_up_excuses_only_what_was_read_meanwhile() {
        let log = [saved(1, 0, 1), saved(2, 900_000_000, 0)];
        let excused = judge(&log, vec![published(100, "version: 1\n")], SIZE);
        assert_eq!((excused.torn, excused.excused), (1, 1));
        let torn = judge(&log, vec![published(900_000_100, "version: 2\n")], SIZE);
        assert_eq!((torn.torn, torn.excused), (1, 0));
    }
}
