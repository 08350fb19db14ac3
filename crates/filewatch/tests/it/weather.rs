//! The storms of saves that there are.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// 3 to 4 kB that say which version they are, and can be told from all others in every byte.
fn version(number: u64) -> String {
    let mut text = format!("version: {number}\n");
    let lines = 60 + number % 17;
    for line in 0..lines {
        writeln!(
            text,
            "key_{line:03}: {:032x}",
            u128::from(number) * 0x9E37_79B9_7F4A_7C15_F39C + u128::from(line)
        )
        .unwrap();
    }
    text
}

/// The version that these bytes are, if they are one from beginning to end.
fn whole(bytes: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(bytes).ok()?;
    let number = text.lines().next()?.strip_prefix("version: ")?.parse().ok()?;
    (version(number) == text).then_some(number)
}

/// Good enough to spread the gaps.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// Busy, since sleeping takes longer than most gaps.
    pub(crate) fn pause(&mut self, longest_micros: u64) {
        let end = Instant::now() + Duration::from_micros(self.below(longest_micros + 1));
        while Instant::now() < end {
            std::hint::spin_loop();
        }
    }
}

/// A kind of storm: what is saved, how, and how soon again.
#[derive(Clone, Copy)]
pub(crate) struct Weather {
    pub(crate) version: fn(u64) -> String,
    pub(crate) whole: fn(&[u8]) -> Option<u64>,
    pub(crate) save: fn(&Path, &str, &mut Dice),
    /// In microseconds, at most.
    pub(crate) pause: u64,
}

pub(crate) const USUAL: Weather = Weather { version, whole, save: save_in_place, pause: 600 };

pub(crate) const BY_RENAME: Weather = Weather { save: save_by_rename, ..USUAL };

/// The next save begins while the last one is read, and shows in nothing but its bytes at first.
pub(crate) const HASTY: Weather = Weather { save: save_over, pause: 20, ..USUAL };

/// A large file that is cut shows that before its event comes.
pub(crate) const CUT: Weather = Weather { save: save_cut, pause: 60, ..LARGE };

/// What takes long to read is overtaken while it is read.
pub(crate) const LARGE: Weather =
    Weather { version: large_version, whole: large_whole, save: save_streamed, pause: 600 };

/// A megabyte that says which version it is all over.
fn large_version(number: u64) -> String {
    format!("{number:08}").repeat(1 << 17)
}

fn large_whole(bytes: &[u8]) -> Option<u64> {
    let number = std::str::from_utf8(bytes.get(..8)?).ok()?.parse().ok()?;
    (bytes == large_version(number).as_bytes()).then_some(number)
}

fn save_streamed(path: &Path, text: &str, _: &mut Dice) {
    let mut file = File::create(path).unwrap();
    for piece in text.as_bytes().chunks(8192) {
        file.write_all(piece).unwrap();
    }
}

fn save_in_place(path: &Path, text: &str, dice: &mut Dice) {
    write_in_pieces(&mut File::create(path).unwrap(), text, dice);
}

/// Nothing is cut off before it is written.
fn save_over(path: &Path, text: &str, dice: &mut Dice) {
    let mut file = File::options().write(true).open(path).unwrap();
    write_in_pieces(&mut file, text, dice);
    file.set_len(text.len() as u64).unwrap();
}

fn save_cut(path: &Path, text: &str, dice: &mut Dice) {
    let mut file = File::options().write(true).open(path).unwrap();
    file.set_len(text.len() as u64 / 1000).unwrap();
    write_in_pieces(&mut file, text, dice);
}

fn write_in_pieces(file: &mut File, text: &str, dice: &mut Dice) {
    let mut rest = text.as_bytes();
    for _ in 0..dice.below(3) {
        let (now, later) = rest.split_at(usize::try_from(dice.below(rest.len() as u64)).unwrap());
        file.write_all(now).unwrap();
        dice.pause(200);
        rest = later;
    }
    file.write_all(rest).unwrap();
    dice.pause(200);
}

fn save_by_rename(path: &Path, text: &str, _: &mut Dice) {
    let other = path.with_extension("tmp");
    fs::write(&other, text).unwrap();
    fs::rename(other, path).unwrap();
}
