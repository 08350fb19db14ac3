//! The lines on a terminal, with a status line below them.

use std::mem;
use std::sync::atomic::{AtomicU32, Ordering};

use anstyle::{Effects, Style as Look};

use crate::report::partial::{MOST_PARTIAL, is_on_one_row};

/// The part of each line that marks it as hotrun's.
const NAME: &str = "hotrun";

/// Saves the cursor and its colours, and takes the usual colours.
const SAVE: &str = "\x1b7\x1b[0m";
const RESTORE: &str = "\x1b8";
/// To the begin of the row below.
const BELOW: &str = "\x1b[B\r";
const ERASE: &str = "\x1b[J";

/// A process that writes to the terminal, or hotrun itself.
pub(crate) type Source = u32;

/// Lines of hotrun itself, and of builds whose lines have names.
pub(crate) const HOTRUN: Source = 0;
/// The output of a build.
pub(crate) const BUILD: Source = 1;

/// A number for another writer.
pub(crate) fn new_source() -> Source {
    static NEXT: AtomicU32 = AtomicU32::new(BUILD + 1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Composes what is written to a terminal, so that the status line is below everything else. It is erased before other output and
/// drawn again after it. The cursor is always where the next output belongs, never behind the status line: so the erasure is right
/// also after the terminal was resized.
#[derive(Debug, Default)]
pub(super) struct Screen {
    columns: usize,
    status: Option<String>,
    look: Look,
    drawn: Drawn,
    /// The output since the last end of a line.
    partial: Vec<u8>,
    /// The writer of the last output.
    source: Source,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Drawn {
    #[default]
    No,
    /// On the row of the cursor, which is at its begin.
    Here,
    /// On the row below the cursor.
    Below,
}

impl Screen {
    /// Sets the width of the terminal and the visibility of the status line, from the next output on. Zero columns hide it.
    pub(super) fn fit(&mut self, columns: usize) {
        self.columns = columns;
    }

    /// These words become the status line. `None` erases it.
    pub(super) fn status(&mut self, words: Option<&str>, look: Look) -> String {
        let words = words.map(plain);
        if self.status == words {
            return String::new();
        }
        let erase = self.erase();
        self.status = words;
        self.look = look;
        erase + &self.draw()
    }

    /// Draws the status line for another width.
    pub(super) fn redraw(&mut self) -> String {
        self.erase() + &self.draw()
    }

    /// After this control sequence the terminal is empty.
    pub(super) fn clear(&mut self, sequence: &str) -> String {
        self.drawn = Drawn::No;
        self.partial.clear();
        sequence.to_owned() + &self.draw()
    }

    /// Output. Whole lines go above a line of another writer that has no end yet.
    pub(super) fn write(&mut self, source: Source, output: &[u8]) -> Vec<u8> {
        let mut bytes = self.erase().into_bytes();
        if !self.partial.is_empty() && self.source != source {
            if output.ends_with(b"\n") && is_on_one_row(&self.partial, self.columns) {
                bytes.extend_from_slice(b"\x1b[0m\r\x1b[K");
                bytes.extend_from_slice(output);
                bytes.extend_from_slice(&self.partial);
                bytes.extend_from_slice(self.draw().as_bytes());
                return bytes;
            }
            bytes.extend_from_slice(b"\x1b[0m\r\n");
            self.partial.clear();
        }
        self.source = source;
        bytes.extend_from_slice(output);
        if let Some(end) = output.iter().rposition(|&byte| byte == b'\n') {
            self.partial.clear();
            self.partial.extend_from_slice(&output[end + 1..]);
        } else {
            self.partial.extend_from_slice(output);
        }
        // A longer one is on more than one row in any case.
        self.partial.truncate(MOST_PARTIAL + 1);
        bytes.extend_from_slice(self.draw().as_bytes());
        bytes
    }

    fn erase(&mut self) -> String {
        match mem::take(&mut self.drawn) {
            Drawn::No => String::new(),
            Drawn::Here => [SAVE, ERASE, RESTORE].concat(),
            Drawn::Below => [SAVE, BELOW, ERASE, RESTORE].concat(),
        }
    }

    /// Draws the status line, unless the row below the cursor is not known.
    fn draw(&mut self) -> String {
        let Some(words) = self.status.as_ref().filter(|_| self.columns > 1) else { return String::new() };
        // In the last column some terminals would begin a new row.
        let text = format!("{NAME}  {words}");
        let text = cut(&text, self.columns - 1);
        let (name, words) = text.split_at(text.len().min(NAME.len()));
        let (bold, dimmed) = if self.look == Look::new() {
            (Look::new(), Look::new())
        } else {
            (self.look.bold(), Look::new().effects(Effects::DIMMED))
        };
        let line = format!("{bold}{name}{bold:#}{dimmed}{words}{dimmed:#}");
        if self.partial.is_empty() {
            self.drawn = Drawn::Here;
            [SAVE, &line, RESTORE].concat()
        } else if is_on_one_row(&self.partial, self.columns) {
            self.drawn = Drawn::Below;
            // The vertical tab makes a row below at the end of the screen. The driver does not change it, as it does a line feed.
            ["\x0b\x1b[A", SAVE, BELOW, &line, RESTORE].concat()
        } else {
            String::new()
        }
    }
}

/// Without control characters.
fn plain(words: &str) -> String {
    words.chars().map(|char| if char.is_control() { '?' } else { char }).collect()
}

/// The beginning of the text that fits. A character outside ASCII may take two columns.
fn cut(text: &str, columns: usize) -> &str {
    let mut left = columns;
    let end = text.char_indices().find(|(_, char)| {
        let width = if char.is_ascii() { 1 } else { 2 };
        let fits = left >= width;
        left = left.saturating_sub(width);
        !fits
    });
    end.map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests;
