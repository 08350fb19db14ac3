//! A position in a template.

use std::fmt;

/// A line and a column in characters, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

impl Position {
    /// The beginning of a template.
    pub(crate) const START: Position = Position { line: 1, column: 1 };

    /// The position right after `text`, which begins here.
    pub(crate) fn after(self, text: &str) -> Position {
        match text.rsplit_once('\n') {
            None => Position { column: self.column + characters(text), ..self },
            Some((lines, last)) => Position {
                line: self.line + lines.matches('\n').count() as u64 + 1,
                column: characters(last) + 1,
            },
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

fn characters(text: &str) -> u64 {
    text.chars().count() as u64
}

#[cfg(test)]
mod tests {
    use super::Position;

    #[test]
    fn a_position_is_counted_in_lines_and_characters_from_one() {
        for (before, line, column) in
            [("", 1, 1), ("ab", 1, 3), ("ab\n", 2, 1), ("a\r\n\nx", 3, 2), ("é→", 1, 3)]
        {
            assert_eq!(Position::START.after(before), Position { line, column }, "after {before:?}");
        }
    }
}
