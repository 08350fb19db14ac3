//! Tells cargo's lines on stderr from its progress.
//!
//! Cargo counts the crates itself, also those that need no build, and prints the count if it is told that stderr is a terminal. Its
//! messages on stdout name each crate that is done, but stable cargo has no message with the number of all: `--build-plan` and
//! `--unit-graph` are for nightly.

use std::mem;

/// A part of cargo's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A line with its end.
    Line(Vec<u8>),
    Progress(Progress),
}

/// The state of a build under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// So many crates are done, of so many.
    Crates(u32, u32),
    /// The work of cargo before it compiles, in its words.
    Words(String),
}

/// Cargo's output so far.
#[derive(Debug, Default)]
pub(super) struct CargoOutput {
    /// The line that is not complete yet.
    rest: Vec<u8>,
    /// The errors that the compilers have counted.
    pub(super) errors: u32,
}

impl CargoOutput {
    /// Takes in more output. Returns what is complete.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Part> {
        let mut parts = Vec::new();
        for &byte in bytes {
            // `\r\n` ends a line. A `\r` before anything else is the end of a progress line, which the next output replaces.
            if byte != b'\n'
                && let Some(progress) = self.rest.strip_suffix(b"\r")
            {
                let words = plain(progress);
                if !words.is_empty() {
                    parts.push(Part::Progress(Progress::of(&words)));
                }
                self.rest.clear();
            }
            self.rest.push(byte);
            if byte == b'\n' {
                parts.push(self.line());
            }
        }
        // Cargo writes a progress line in one go. The next one may come late.
        if let Some(words) = self.rest.strip_suffix(b"\r").map(plain)
            && words.contains('[')
        {
            parts.push(Part::Progress(Progress::of(&words)));
            self.rest = b"\r".to_vec();
        }
        parts
    }

    /// The line that has no end, at the end of the output.
    pub(super) fn finish(&mut self) -> Option<Part> {
        (!plain(&self.rest).is_empty()).then(|| {
            self.rest.push(b'\n');
            self.line()
        })
    }

    fn line(&mut self) -> Part {
        let mut line = mem::take(&mut self.rest);
        if let Some(stays) = line.strip_prefix(b"\x1b[K") {
            line = stays.to_vec();
        }
        self.errors += counted_errors(&plain(&line)).unwrap_or_default();
        Part::Line(line)
    }
}

impl Progress {
    /// Reads `Building [=> ] 3/12: site`.
    fn of(words: &str) -> Progress {
        let count = words.strip_prefix("Building ").and_then(|words| {
            let (_, count) = words.split_once("] ")?;
            let (done, all) = count.split(':').next()?.split_once('/')?;
            Some(Progress::Crates(done.trim().parse().ok()?, all.trim().parse().ok()?))
        });
        count.unwrap_or_else(|| Progress::Words(words.to_owned()))
    }
}

/// Without colours and blanks at both ends.
fn plain(bytes: &[u8]) -> String {
    anstream::adapter::strip_str(&String::from_utf8_lossy(bytes)).to_string().trim().to_owned()
}

/// Reads the last line about a crate: `error: could not compile `site` (bin "site") due to 2 previous errors; 1 warning emitted`.
fn counted_errors(line: &str) -> Option<u32> {
    let (_, count) = line.strip_prefix("error: could not compile ")?.split_once(" due to ")?;
    count.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{CargoOutput, Part, Progress};

    const OUTPUT: &str = "\x1b[1m\x1b[92m   Compiling\x1b[0m a v0.1.0 (/p/a)\n\
        \x1b[1m\x1b[96m    Updating\x1b[0m crates.io index\r\
        \x1b[K\x1b[1m\x1b[96m    Building\x1b[0m [=>      ] 1/7: a(build), b(build.rs)       \r\
        \x1b[K\x1b[1m\x1b[91merror\x1b[0m: mismatched\r\n\
        \x1b[1m\x1b[96m    Building\x1b[0m [======> ] 6/7: pp(bin)       \r\
        \x1b[K\x1b[1m\x1b[91merror\x1b[0m: could not compile `a` (lib) due to 1 previous error\n\
        \x1b[1m\x1b[91merror\x1b[0m: could not compile `pp` (bin \"pp\") due to 12 previous errors; 1 warning emitted\n\
        no end";

    #[test]
    fn lines_and_progress_are_told_apart_in_pieces_of_any_size() {
        let plain = |line: &[u8]| super::plain(line);
        for size in [1, 2, 3, 7, 50, OUTPUT.len()] {
            let mut output = CargoOutput::default();
            let mut parts: Vec<Part> =
                OUTPUT.as_bytes().chunks(size).flat_map(|piece| output.take(piece)).collect();
            parts.extend(output.finish());
            let (mut lines, mut progress) = (Vec::new(), Vec::new());
            for part in parts {
                match part {
                    Part::Line(line) => {
                        assert!(line.ends_with(b"\n") && !line.starts_with(b"\x1b[K"));
                        lines.push(plain(&line));
                    }
                    Part::Progress(one) => progress.push(one),
                }
            }
            assert_eq!(
                lines,
                [
                    "Compiling a v0.1.0 (/p/a)",
                    "error: mismatched",
                    "error: could not compile `a` (lib) due to 1 previous error",
                    "error: could not compile `pp` (bin \"pp\") due to 12 previous errors; 1 warning emitted",
                    "no end",
                ],
                "{size}"
            );
            let words = Progress::Words("Updating crates.io index".to_owned());
            assert_eq!(progress, [words, Progress::Crates(1, 7), Progress::Crates(6, 7)], "{size}");
            assert_eq!(output.errors, 13);
        }
    }

    #[test]
    fn output_without_progress_stays_as_it_is() {
        let mut output = CargoOutput::default();
        assert_eq!(output.take(b"a\nb\n"), [Part::Line(b"a\n".to_vec()), Part::Line(b"b\n".to_vec())]);
        assert_eq!((output.finish(), output.errors), (None, 0));
    }

    #[test]
    fn a_progress_line_counts_at_once() {
        let mut output = CargoOutput::default();
        let parts = output.take(b"    Building [==>   ] 3/12: site\r");
        assert_eq!(parts, [Part::Progress(Progress::Crates(3, 12))]);
        assert_eq!(output.take(b"\x1b[K    Finished\n"), [Part::Line(b"    Finished\n".to_vec())]);
    }
}
