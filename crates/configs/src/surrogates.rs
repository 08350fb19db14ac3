//! JSON's escapes for characters beyond 16 bits: two of four digits each, which YAML does not know.

use std::borrow::Cow;
use std::fmt::Write;

/// A JSON text in which every surrogate pair (`\ud83e\udd80`) is written as YAML writes the character (`\U0001f980`).
pub(crate) struct Replaced<'a> {
    pub(crate) text: Cow<'a, str>,
    /// The place behind each replaced pair, in the new text: its line, counted from 1, and its column, counted from 0.
    ends: Vec<(usize, usize)>,
    /// The number of pairs on the same line up to each of them.
    on_line: Vec<usize>,
}

/// The length of a pair, and by how much YAML's form is shorter. All of it is ASCII.
const PAIR: usize = 12;
const SHORTER: usize = 2;

impl<'a> Replaced<'a> {
    pub(crate) fn of(text: &'a str) -> Replaced<'a> {
        let (mut replaced, mut ends, mut on_line) = (String::new(), Vec::<(usize, usize)>::new(), Vec::new());
        let (mut copied, mut at) = (0, 0);
        let mut place = (1, 0);
        while let Some(found) = text[at..].find('\\') {
            at += found;
            let pair = unit(text, at).zip(unit(text, at + PAIR / 2));
            match pair.map(|(high, low)| char::decode_utf16([high, low]).next()) {
                Some(Some(Ok(character))) if character.len_utf16() == 2 => {
                    place = moved(place, &text[copied..at]);
                    place.1 += PAIR - SHORTER;
                    let is_same = ends.last().is_some_and(|(line, _)| *line == place.0);
                    on_line.push(if is_same { on_line.last().map_or(1, |count| count + 1) } else { 1 });
                    ends.push(place);
                    let _ = write!(replaced, "{}\\U{:08x}", &text[copied..at], u32::from(character));
                    at += PAIR;
                    copied = at;
                }
                // An escape has one more character at least; it may be a backslash.
                _ => at += 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8),
            }
        }
        if copied == 0 {
            return Replaced { text: Cow::Borrowed(text), ends, on_line };
        }
        replaced.push_str(&text[copied..]);
        Replaced { text: Cow::Owned(replaced), ends, on_line }
    }

    /// A text in which nothing is replaced.
    pub(crate) fn none(text: &'a str) -> Replaced<'a> {
        Replaced { text: Cow::Borrowed(text), ends: Vec::new(), on_line: Vec::new() }
    }

    /// The number of bytes by which the old text before a place of the new one is longer: all of it, and the part on the same
    /// line.
    pub(crate) fn longer_before(&self, line: usize, column: usize) -> (usize, usize) {
        let before = self.ends.partition_point(|end| *end <= (line, column));
        let last = before.checked_sub(1).filter(|last| self.ends[*last].0 == line);
        (before * SHORTER, last.map_or(0, |last| self.on_line[last]) * SHORTER)
    }
}

/// The place behind `text`, which begins at `place`.
fn moved((line, column): (usize, usize), text: &str) -> (usize, usize) {
    let breaks = text.replace("\r\n", "\n");
    match breaks.rfind(['\n', '\r']) {
        Some(last) => (line + breaks.matches(['\n', '\r']).count(), breaks[last + 1..].chars().count()),
        None => (line, column + text.chars().count()),
    }
}

/// The code unit of an escape (`\ud83e`) at a byte.
fn unit(text: &str, at: usize) -> Option<u16> {
    let digits = text.get(at..at + PAIR / 2)?.strip_prefix("\\u")?;
    u16::from_str_radix(digits, 16).ok()
}
