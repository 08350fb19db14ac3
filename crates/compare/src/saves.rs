//! A process that saves as nastily as an editor may: what every storm is made of.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use clap::{Args, ValueEnum};

use crate::say;

/// A little less than filewatch's quiet, in nanoseconds: a writer that pauses for longer has shown half a file as if it were done.
const STALL: u64 = 140_000_000;

/// What one writer does.
#[derive(Args, Clone, Debug)]
pub(crate) struct Saves {
    /// The folder of the files
    pub(crate) folder: PathBuf,
    /// What to write
    #[arg(long)]
    pub(crate) what: Text,
    /// How to save
    #[arg(long)]
    pub(crate) how: How,
    /// The number of the first version
    #[arg(long, default_value_t = 1)]
    pub(crate) first: u64,
    /// How many versions
    #[arg(long)]
    pub(crate) count: u64,
    /// The longest pause between two steps of a save, in microseconds
    #[arg(long, default_value_t = 200)]
    pub(crate) gap: u64,
    /// The longest pause after a save, in microseconds
    #[arg(long, default_value_t = 600)]
    pub(crate) pause: u64,
    /// A rest of 25 ms after every so many saves
    #[arg(long, default_value_t = 100)]
    pub(crate) rest_every: u64,
    /// About how many bytes a text has, where it may have any
    #[arg(long, default_value_t = 3500)]
    pub(crate) size: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Text {
    /// `text`, lines that mean nothing
    Lines,
    /// `lower.yaml` and `upper.yaml`, by turns: two layers of a demo's configuration
    Layers,
    /// `templates/index.html`
    Template,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum How {
    InPlace,
    ByRename,
}

/// One save, as its writer saw it. Times are nanoseconds since the epoch, which all processes share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Save {
    pub(crate) version: u64,
    pub(crate) begun: u64,
    /// Just before the call that makes it whole: `close` or `rename`.
    pub(crate) whole: u64,
    pub(crate) ended: u64,
    /// How often it was held up between two steps, by the scheduler or the disk, for nearly as long as the quiet lasts.
    pub(crate) stalls: u64,
}

/// Saves, and prints what it did when all is done.
pub(crate) fn rage(saves: &Saves) -> io::Result<()> {
    let mut dice = Dice(0x2545_F491_4F6C_DD1D ^ saves.first);
    let mut log = Vec::with_capacity(usize::try_from(saves.count).unwrap_or(0));
    for version in saves.first..saves.first + saves.count {
        let path = saves.folder.join(saves.what.file(version));
        let text = saves.what.version(version, saves.size);
        log.push(match saves.how {
            How::InPlace => in_place(&path, &text, version, saves.gap, &mut dice)?,
            How::ByRename => by_rename(&path, &text, version)?,
        });
        dice.pause(saves.pause);
        if version % saves.rest_every == 0 {
            thread::sleep(Duration::from_millis(25));
        }
    }
    let mut lines = String::new();
    for Save { version, begun, whole, ended, stalls } in log {
        let _ = writeln!(lines, "{version} {begun} {whole} {ended} {stalls}");
    }
    say(lines.trim_end());
    Ok(())
}

impl Save {
    /// Whether what is seen at this time may be what a stalled writer had shown; until the next save is in force.
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

impl Text {
    pub(crate) fn file(self, version: u64) -> &'static str {
        match self {
            Text::Lines => "text",
            Text::Layers if version.is_multiple_of(2) => "lower.yaml",
            Text::Layers => "upper.yaml",
            Text::Template => "templates/index.html",
        }
    }

    /// The text of a version: it says which one it is at its beginning and at its end, and no two have a line in common
    /// that tells versions apart.
    pub(crate) fn version(self, number: u64, size: usize) -> String {
        match self {
            Text::Lines => lines(number, size),
            Text::Layers if number.is_multiple_of(2) => {
                let head = format!("app_name: v{number}\nport: 8080\nroutes:\n");
                let tail = format!(
                    "database:\n  host: localhost\n  port: 5432\n  user: admin\n  password: secure_password\n  name: v{number}\n"
                );
                layer(&head, "low", number, &tail)
            }
            Text::Layers => {
                let tail = format!(
                    "settings:\n  log_level: warn\n  feature_flag_a: true\n  refresh_interval_seconds: {}\n",
                    number % 86_400 + 1
                );
                layer("routes:\n", "up", number, &tail)
            }
            Text::Template => {
                let mut text = format!("begin v{number} {{{{ app_name }}}}\n");
                for line in 0..66 + number % 17 {
                    let _ = writeln!(text, "line v{number} {line:03} {:032x}", noise(number, line));
                }
                let _ = write!(text, "end v{number} {{{{ database.name }}}}\n{{# that was all #}}");
                text
            }
        }
    }
}

fn lines(number: u64, size: usize) -> String {
    let mut text = format!("version: {number}\n");
    let spread = size / 8;
    let size = size + usize::try_from(number % 17).unwrap_or(0) * spread / 17;
    let mut line = 0;
    while text.len() < size {
        let _ = writeln!(text, "key_{line:03}: {:032x}", noise(number, line));
        line += 1;
    }
    text
}

/// Ten routes, far apart: most of the text is comments.
fn layer(head: &str, name: &str, number: u64, tail: &str) -> String {
    let mut text = head.to_owned();
    for route in 0..10 {
        let _ = writeln!(text, "  /{name}{route}: v{number}");
        for line in 0..4 + number % 2 {
            let _ = writeln!(text, "  # {number} {:064x}", noise(number, route * 10 + line));
        }
    }
    text + tail
}

fn noise(number: u64, line: u64) -> u128 {
    u128::from(number) * 0x9E37_79B9_7F4A_7C15_F39C + u128::from(line)
}

fn in_place(path: &Path, text: &str, version: u64, gap: u64, dice: &mut Dice) -> io::Result<Save> {
    let begun = now();
    let mut steps = Steps { last: begun, stalls: 0 };
    let mut file = File::create(path)?;
    steps.take();
    let mut rest = text.as_bytes();
    for _ in 0..dice.below(3) {
        dice.pause(gap);
        let (these, later) = rest.split_at(usize::try_from(dice.below(rest.len() as u64)).unwrap_or(0));
        file.write_all(these)?;
        steps.take();
        rest = later;
    }
    dice.pause(gap);
    file.write_all(rest)?;
    steps.take();
    dice.pause(gap);
    let whole = now();
    drop(file);
    let ended = now();
    steps.take();
    Ok(Save { version, begun, whole, ended, stalls: steps.stalls })
}

fn by_rename(path: &Path, text: &str, version: u64) -> io::Result<Save> {
    // A name that a folder of templates skips.
    let beside = path.with_file_name(".saving");
    let begun = now();
    fs::write(&beside, text)?;
    let whole = now();
    fs::rename(beside, path)?;
    Ok(Save { version, begun, whole, ended: now(), stalls: 0 })
}

struct Steps {
    last: u64,
    stalls: u64,
}

impl Steps {
    fn take(&mut self) {
        let now = now();
        self.stalls += u64::from(now.saturating_sub(self.last) >= STALL);
        self.last = now;
    }
}

/// Good enough to spread the gaps.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }

    /// Busy where sleeping would take longer.
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
    use super::{Save, Text};

    #[test]
    fn every_version_tells_itself_apart_at_both_ends_and_is_of_some_kilobytes() {
        for text in [Text::Lines, Text::Layers, Text::Template] {
            for number in [1, 2, 39_999, 40_000] {
                let (one, other) = (text.version(number, 3500), text.version(number + 2, 3500));
                assert!((3000..5500).contains(&one.len()), "{text:?} {}", one.len());
                // Neither can be taken for the other, cut off.
                let shorter = one.len().min(other.len());
                assert_ne!(one[..shorter], other[..shorter]);
            }
        }
    }

    #[test]
    fn what_a_writer_prints_is_read_again() {
        let save = Save::parse("7 100 200 300 1").unwrap_or_else(|| panic!("five numbers are a save"));
        assert_eq!((save.version, save.begun, save.whole, save.ended, save.stalls), (7, 100, 200, 300, 1));
        assert!(Save::parse("7 100").is_none());
    }
}
