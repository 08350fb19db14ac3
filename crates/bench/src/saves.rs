//! The writer of a storm: a process that saves files as badly as an editor can.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use clap::{Args, ValueEnum};

use crate::{output::say, text::Text};

/// A little less than filewatch's quiet period, in nanoseconds. A writer that pauses for longer publishes a partial file.
const STALL: u64 = 140_000_000;

/// The usual size of a program's buffer.
const BUFFER: usize = 8192;

/// The arguments of a writer.
#[derive(Args, Clone, Debug)]
pub(crate) struct Saves {
    /// The folder of the files
    pub(crate) folder: PathBuf,
    /// The kind of text
    #[arg(long)]
    pub(crate) what: Text,
    /// The way of saving
    #[arg(long)]
    pub(crate) how: How,
    /// The number of the first version
    #[arg(long, default_value_t = 1)]
    pub(crate) first: u64,
    /// The number of versions
    #[arg(long)]
    pub(crate) count: u64,
    /// The longest pause between two steps of a save, in microseconds
    #[arg(long, default_value_t = 200)]
    pub(crate) gap: u64,
    /// The longest pause after a save, in microseconds
    #[arg(long, default_value_t = 600)]
    pub(crate) pause: u64,
    /// A rest after every so many saves
    #[arg(long, default_value_t = 100)]
    pub(crate) rest_every: u64,
    /// The length of the rest, in milliseconds
    #[arg(long, default_value_t = 25)]
    pub(crate) rest: u64,
    /// The approximate size of a text in bytes, where it can vary
    #[arg(long, default_value_t = 3500)]
    pub(crate) size: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum How {
    /// Cut off, then written in up to three pieces, with pauses
    InPlace,
    /// Written over in up to three pieces, with pauses, then cut to its length
    Over,
    /// Cut to a part, then written over like that
    Cut,
    /// Emptied in one opening, written in another, with a pause between them
    Twice,
    /// Cut off, then written in small pieces without a pause, as a buffer is emptied
    Streamed,
    /// Written beside it, then renamed
    ByRename,
}

/// The writer's record of a save. Times are nanoseconds since the epoch, which all processes share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Save {
    pub(crate) version: u64,
    pub(crate) begun: u64,
    /// The time just before the call that completes it: `close` or `rename`.
    pub(crate) whole: u64,
    pub(crate) ended: u64,
    /// The number of delays between two steps, by the scheduler or the disk, for nearly as long as the quiet period.
    pub(crate) stalls: u64,
}

/// Saves all versions, and then prints the records.
pub(crate) fn write_versions(saves: &Saves) -> io::Result<()> {
    let mut random = Random(0x2545_F491_4F6C_DD1D ^ saves.first);
    let mut log = Vec::with_capacity(usize::try_from(saves.count).unwrap_or(0));
    let versions: Vec<u64> = (saves.first..saves.first + saves.count).collect();
    for batch in versions.chunks(usize::try_from(saves.rest_every).unwrap_or(usize::MAX).max(1)) {
        // The texts are made in advance, so that they lengthen no pause.
        let texts: Vec<String> =
            batch.iter().map(|version| saves.what.version(*version, saves.size)).collect();
        for (&version, text) in batch.iter().zip(&texts) {
            let path = saves.folder.join(saves.what.file(version));
            log.push(match saves.how {
                How::InPlace => in_place(&path, text, version, saves.gap, &mut random)?,
                How::Over => over(&path, text, version, saves.gap, &mut random)?,
                How::Cut => cut(&path, text, version, saves.gap, &mut random)?,
                How::Twice => twice(&path, text, version, saves.gap, &mut random)?,
                How::Streamed => streamed(&path, text, version)?,
                How::ByRename => by_rename(&path, text, version)?,
            });
            random.pause(saves.pause);
        }
        thread::sleep(Duration::from_millis(saves.rest));
    }
    let mut lines = String::new();
    for Save { version, begun, whole, ended, stalls } in log {
        let _ = writeln!(lines, "{version} {begun} {whole} {ended} {stalls}");
    }
    say(lines.trim_end());
    Ok(())
}

impl Save {
    /// True if a delayed writer may explain a torn value at this time.
    pub(crate) fn excuses(&self, at: u64) -> bool {
        const GRACE: u64 = 500_000_000;
        self.stalls > 0 && (self.begun..self.ended + GRACE).contains(&at)
    }

    pub(crate) fn parse(line: &str) -> Option<Save> {
        let mut numbers = line.split(' ').map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        Some(Save { version: next()?, begun: next()?, whole: next()?, ended: next()?, stalls: next()? })
    }
}

fn in_place(path: &Path, text: &str, version: u64, gap: u64, random: &mut Random) -> io::Result<Save> {
    let mut steps = Steps::begin();
    let mut file = File::create(path)?;
    steps.take();
    write_in_pieces(&mut file, text, gap, random, &mut steps)?;
    Ok(steps.close(file, version))
}

fn over(path: &Path, text: &str, version: u64, gap: u64, random: &mut Random) -> io::Result<Save> {
    let mut steps = Steps::begin();
    let mut file = File::options().write(true).open(path)?;
    steps.take();
    write_in_pieces(&mut file, text, gap, random, &mut steps)?;
    file.set_len(text.len() as u64)?;
    steps.take();
    Ok(steps.close(file, version))
}

fn cut(path: &Path, text: &str, version: u64, gap: u64, random: &mut Random) -> io::Result<Save> {
    let mut steps = Steps::begin();
    let mut file = File::options().write(true).open(path)?;
    file.set_len(text.len() as u64 / 1000)?;
    steps.take();
    write_in_pieces(&mut file, text, gap, random, &mut steps)?;
    Ok(steps.close(file, version))
}

fn twice(path: &Path, text: &str, version: u64, gap: u64, random: &mut Random) -> io::Result<Save> {
    let mut steps = Steps::begin();
    drop(File::create(path)?);
    random.pause(gap);
    let mut file = File::options().write(true).open(path)?;
    steps.take();
    file.write_all(text.as_bytes())?;
    steps.take();
    Ok(steps.close(file, version))
}

fn streamed(path: &Path, text: &str, version: u64) -> io::Result<Save> {
    let mut steps = Steps::begin();
    let mut file = File::create(path)?;
    for piece in text.as_bytes().chunks(BUFFER) {
        steps.take();
        file.write_all(piece)?;
    }
    steps.take();
    Ok(steps.close(file, version))
}

/// Writes up to three pieces, with a pause before the end.
fn write_in_pieces(
    file: &mut File,
    text: &str,
    gap: u64,
    random: &mut Random,
    steps: &mut Steps,
) -> io::Result<()> {
    let mut rest = text.as_bytes();
    for _ in 0..random.below(3) {
        random.pause(gap);
        let (these, later) = rest.split_at(usize::try_from(random.below(rest.len() as u64)).unwrap_or(0));
        file.write_all(these)?;
        steps.take();
        rest = later;
    }
    random.pause(gap);
    file.write_all(rest)?;
    steps.take();
    random.pause(gap);
    Ok(())
}

fn by_rename(path: &Path, text: &str, version: u64) -> io::Result<Save> {
    // A folder of templates ignores this name.
    let beside = path.with_file_name(".saving");
    let begun = now();
    fs::write(&beside, text)?;
    let whole = now();
    fs::rename(beside, path)?;
    Ok(Save { version, begun, whole, ended: now(), stalls: 0 })
}

struct Steps {
    begun: u64,
    last: u64,
    stalls: u64,
}

impl Steps {
    fn begin() -> Steps {
        let begun = now();
        Steps { begun, last: begun, stalls: 0 }
    }

    fn take(&mut self) {
        let now = now();
        self.stalls += u64::from(now.saturating_sub(self.last) >= STALL);
        self.last = now;
    }

    fn close(mut self, file: File, version: u64) -> Save {
        let whole = now();
        drop(file);
        let ended = now();
        self.take();
        Save { version, begun: self.begun, whole, ended, stalls: self.stalls }
    }
}

/// A simple generator is good enough for the pauses.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }

    /// Spins if a sleep would take longer.
    fn pause(&mut self, longest_micros: u64) {
        let pause = Duration::from_micros(self.below(longest_micros + 1));
        if pause > Duration::from_millis(1) {
            return thread::sleep(pause);
        }
        let end = Instant::now() + pause;
        while Instant::now() < end {
            std::hint::spin_loop();
        }
    }
}

pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Save;

    #[test]
    fn a_printed_record_is_read_again() {
        let save = Save::parse("7 100 200 300 1").unwrap_or_else(|| panic!("five numbers are a save"));
        assert_eq!((save.version, save.begun, save.whole, save.ended, save.stalls), (7, 100, 200, 300, 1));
        assert!(Save::parse("7 100").is_none());
    }
}
