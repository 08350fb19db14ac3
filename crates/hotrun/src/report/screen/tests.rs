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
        let mut shown = Shown { screen: Screen::default(), terminal: vt100::Parser::new(ROWS, COLUMNS, 100) };
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
    assert!(bytes.contains("ドキュメントドキュメ") && !bytes.contains("ドキュメントドキュメン"), "{bytes}");
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
