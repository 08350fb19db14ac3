//! The kinds of storms: texts that are saved again and again.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// 3 to 4 kB that contain the version number and differ from every other version in every line.
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

/// The version number, if the bytes are one version from beginning to end.
fn whole(bytes: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(bytes).ok()?;
    let number = text.lines().next()?.strip_prefix("version: ")?.parse().ok()?;
    (version(number) == text).then_some(number)
}

/// Pseudo-random numbers (xorshift), which spread the pauses.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// Spins, since sleeping takes longer than most pauses.
    pub(crate) fn pause(&mut self, longest_micros: u64) {
        let end = Instant::now() + Duration::from_micros(self.below(longest_micros + 1));
        while Instant::now() < end {
            std::hint::spin_loop();
        }
    }
}

/// A kind of storm: the text, the way of saving, and the pause between two saves.
#[derive(Clone, Copy)]
pub(crate) struct Workload {
    pub(crate) version: fn(u64) -> String,
    pub(crate) whole: fn(&[u8]) -> Option<u64>,
    pub(crate) save: fn(&Path, &str, &mut Random),
    /// The longest pause, in microseconds.
    pub(crate) pause: u64,
}

pub(crate) const USUAL: Workload = Workload { version, whole, save: save_in_place, pause: 600 };

pub(crate) const BY_RENAME: Workload = Workload { save: save_by_rename, ..USUAL };

/// The next save begins while the last one is read, and changes no size at first.
pub(crate) const HASTY: Workload = Workload { save: save_over, pause: 120, ..USUAL };

/// A large file that is cut has its new size before the event comes.
pub(crate) const CUT: Workload = Workload { save: save_cut, pause: 60, ..LARGE };

/// A file that takes long to read is changed while it is read.
pub(crate) const LARGE: Workload =
    Workload { version: large_version, whole: large_whole, save: save_streamed, pause: 600 };

/// A megabyte that repeats the version number.
fn large_version(number: u64) -> String {
    format!("{number:08}").repeat(1 << 17)
}

fn large_whole(bytes: &[u8]) -> Option<u64> {
    let number = std::str::from_utf8(bytes.get(..8)?).ok()?.parse().ok()?;
    (bytes == large_version(number).as_bytes()).then_some(number)
}

fn save_streamed(path: &Path, text: &str, _: &mut Random) {
    let mut file = File::create(path).unwrap();
    for piece in text.as_bytes().chunks(8192) {
        file.write_all(piece).unwrap();
    }
}

fn save_in_place(path: &Path, text: &str, random: &mut Random) {
    write_in_pieces(&mut File::create(path).unwrap(), text, random);
}

/// Overwrites the text, and cuts the rest off at the end.
fn save_over(path: &Path, text: &str, random: &mut Random) {
    let mut file = File::options().write(true).open(path).unwrap();
    write_in_pieces(&mut file, text, random);
    file.set_len(text.len() as u64).unwrap();
}

fn save_cut(path: &Path, text: &str, random: &mut Random) {
    let mut file = File::options().write(true).open(path).unwrap();
    file.set_len(text.len() as u64 / 1000).unwrap();
    write_in_pieces(&mut file, text, random);
}

fn write_in_pieces(file: &mut File, text: &str, random: &mut Random) {
    let mut rest = text.as_bytes();
    for _ in 0..random.below(3) {
        let (now, later) = rest.split_at(usize::try_from(random.below(rest.len() as u64)).unwrap());
        file.write_all(now).unwrap();
        random.pause(200);
        rest = later;
    }
    file.write_all(rest).unwrap();
    random.pause(200);
}

fn save_by_rename(path: &Path, text: &str, _: &mut Random) {
    let other = path.with_extension("tmp");
    fs::write(&other, text).unwrap();
    fs::rename(other, path).unwrap();
}
