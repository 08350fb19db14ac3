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
mod tests {
    use anstyle::{AnsiColor, Style as Look};

    use super::{BUILD, HOTRUN, Screen};

    const ROWS: u16 = 6;
    const COLUMNS: u16 = 30;

    /// A screen, and the terminal that shows it.
    struct Shown {
        screen: Screen,
        terminal: vt100::Parser,
    }

    impl Shown {
        fn new(status: &str) -> Shown {
            let mut shown =
                Shown { screen: Screen::default(), terminal: vt100::Parser::new(ROWS, COLUMNS, 100) };
            shown.screen.fit(COLUMNS.into());
            shown.status(Some(status));
            shown
        }

        /// As the terminal's driver passes it on.
        fn show(&mut self, bytes: &[u8]) {
            for part in bytes.split_inclusive(|&byte| byte == b'\n') {
                match part.strip_suffix(b"\n") {
                    Some(line) => self.terminal.process(&[line, b"\r\n"].concat()),
                    None => self.terminal.process(part),
                }
            }
        }

        fn status(&mut self, words: Option<&str>) {
            let bytes = self.screen.status(words, AnsiColor::Magenta.on_default());
            self.show(bytes.as_bytes());
        }

        fn write(&mut self, source: u32, text: &str) {
            let bytes = self.screen.write(source, text.as_bytes());
            self.show(&bytes);
        }

        /// All rows, also those that have scrolled away, without the empty ones at the end.
        fn rows(&mut self) -> Vec<String> {
            let screen = self.terminal.screen_mut();
            screen.set_scrollback(usize::MAX);
            let mut rows = Vec::new();
            for above in (1..=screen.scrollback()).rev() {
                screen.set_scrollback(above);
                rows.extend(screen.rows(0, COLUMNS).next());
            }
            screen.set_scrollback(0);
            rows.extend(screen.rows(0, COLUMNS));
            let mut rows: Vec<_> = rows.iter().map(|row| row.trim_end().to_owned()).collect();
            while rows.last().is_some_and(String::is_empty) {
                rows.pop();
            }
            rows
        }
    }

    #[test]
    fn the_status_line_is_below_everything_and_leaves_nothing_behind() {
        let mut shown = Shown::new("serves");
        let mut expected = Vec::new();
        for line in 0..20 {
            shown.write(2, &format!("line {line}\n"));
            expected.push(format!("line {line}"));
            let mut rows = expected.clone();
            rows.push("hotrun  serves".to_owned());
            assert_eq!(shown.rows(), rows);
        }
        shown.status(Some("built"));
        assert_eq!(shown.rows().last().unwrap(), "hotrun  built");
        shown.status(None);
        assert_eq!(shown.rows(), expected);
    }

    #[test]
    fn a_line_in_parts_is_whole_and_the_status_line_below_it() {
        // At the top of the screen, and at its end.
        for before in [0, 20] {
            let mut shown = Shown::new("serves");
            for line in 0..before {
                shown.write(2, &format!("line {line}\n"));
            }
            for (part, row) in [("load", "load"), ("ing ", "loading "), ("\x1b[32m50", "loading 50")] {
                shown.write(2, part);
                let rows = shown.rows();
                assert_eq!(rows[rows.len() - 2..], [row.trim_end().to_owned(), "hotrun  serves".to_owned()]);
            }
            shown.write(HOTRUN, "hotrun  main.rs changed\n");
            shown.status(Some("building"));
            shown.write(2, " %\n");
            let rows = shown.rows();
            assert_eq!(rows[before..], ["hotrun  main.rs changed", "loading 50 %", "hotrun  building"]);
        }
    }

    #[test]
    fn a_line_that_draws_itself_anew_stays_as_it_is() {
        let mut shown = Shown::new("serves");
        for done in ["\r 10 %", "\r 20 %\r", "\x1b[K 30 %"] {
            shown.write(2, done);
        }
        assert_eq!(shown.rows(), [" 30 %", "hotrun  serves"]);
        shown.write(2, "\n");
        assert_eq!(shown.rows(), [" 30 %", "hotrun  serves"]);
    }

    /// The status line would be in the way, so it is not there until the line has an end.
    #[test]
    fn a_line_whose_place_is_not_known_is_not_damaged() {
        let long = "x".repeat(usize::from(COLUMNS));
        for (parts, expected) in [
            ([long.as_str(), "y"], vec![long.as_str(), "y"]),
            (["\x1b[3", "2mgreen"], vec!["green"]),
            (["\x1b]8;;http://x", "\x1b\\link"], vec!["link"]),
        ] {
            let mut shown = Shown::new("serves");
            shown.write(2, parts[0]);
            assert!(!shown.rows().iter().any(|row| row.contains("serves")), "{:?}", shown.rows());
            shown.write(2, parts[1]);
            shown.write(2, "\n");
            assert_eq!(shown.rows(), [&expected[..], &["hotrun  serves"]].concat());
        }
    }

    #[test]
    fn a_letter_that_comes_in_two_parts_is_not_damaged() {
        let mut shown = Shown::new("serves");
        for part in [&"é".as_bytes()[..1], &"é".as_bytes()[1..], b"\n"] {
            let bytes = shown.screen.write(2, part);
            shown.show(&bytes);
        }
        assert_eq!(shown.rows(), ["é", "hotrun  serves"]);
    }

    #[test]
    fn another_writer_begins_a_line_of_its_own() {
        let mut shown = Shown::new("serves");
        shown.write(2, "one");
        shown.write(3, "two");
        shown.write(BUILD, "three\n");
        assert_eq!(shown.rows(), ["one", "three", "two", "hotrun  serves"]);
    }

    #[test]
    fn the_colours_of_a_program_last_and_are_not_those_of_the_status_line() {
        let mut shown = Shown::new("serves");
        shown.write(2, "\x1b[42mgreen\n");
        shown.write(2, "still\n");
        let at = |row| shown.terminal.screen().cell(row, 0).unwrap().bgcolor();
        assert_eq!((at(1), at(2)), (vt100::Color::Idx(2), vt100::Color::Default));
    }

    #[test]
    fn a_narrow_terminal_cuts_the_status_line() {
        let mut shown = Shown::new("serves http://127.0.0.1:8080, built in 1.2 s");
        assert_eq!(shown.rows(), ["hotrun  serves http://127.0.0"]);
        for columns in [12, 3, 200] {
            shown.screen.fit(columns.into());
            shown.terminal.screen_mut().set_size(ROWS, columns);
            let bytes = shown.screen.redraw();
            shown.show(bytes.as_bytes());
            let rows: Vec<_> = shown.terminal.screen().rows(0, columns).collect();
            let whole = "hotrun  serves http://127.0.0.1:8080, built in 1.2 s";
            assert_eq!(rows[0], whole[..whole.len().min(usize::from(columns) - 1)]);
            assert!(rows[1..].iter().all(String::is_empty), "{rows:?}");
        }
        shown.status(Some("ドキュメントドキュメントドキュメント"));
        shown.screen.fit(COLUMNS.into());
        let bytes = shown.screen.redraw();
        assert!(
            bytes.contains("ドキュメントドキュメ") && !bytes.contains("ドキュメントドキュメン"),
            "{bytes}"
        );
    }

    #[test]
    fn without_colours_nothing_is_coloured() {
        let mut screen = Screen::default();
        screen.fit(80);
        let bytes = screen.status(Some("a\x1bb"), Look::new());
        assert_eq!(bytes, "\x1b7\x1b[0mhotrun  a?b\x1b8");
        assert_eq!(screen.status(Some("a\x1bb"), Look::new()), "");
    }

    #[test]
    fn a_cleared_screen_has_the_status_line_only() {
        let mut shown = Shown::new("serves");
        shown.write(2, "one\ntwo");
        let bytes = shown.screen.clear("\x1b[2J\x1b[H");
        shown.show(bytes.as_bytes());
        assert_eq!(shown.rows(), ["hotrun  serves"]);
    }
}
