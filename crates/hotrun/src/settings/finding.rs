//! A fault in a settings file, with its place.

use std::path::Path;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Offset in the text, in bytes.
    pub(crate) at: usize,
    /// True if it is an error; otherwise it is a warning.
    pub(crate) is_error: bool,
    pub(crate) words: String,
}

impl Finding {
    pub(crate) fn error(at: usize, words: impl Into<String>) -> Self {
        Self { at, is_error: true, words: words.into() }
    }

    pub(crate) fn warning(at: usize, words: impl Into<String>) -> Self {
        Self { at, is_error: false, words: words.into() }
    }

    /// The finding with file, line and column. Both count from 1, columns in characters.
    pub(crate) fn say(&self, file: &Path, text: &str) -> String {
        let before = text.get(..self.at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
        format!("{}:{line}:{column}: {}", file.display(), self.words)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Finding;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let text = "é = 1\nroot = 2\n";
        for (at, expected) in
            [(0, "f:1:1: x"), (3, "f:1:3: x"), (7, "f:2:1: x"), (14, "f:2:8: x"), (999, "f:3:1: x")]
        {
            assert_eq!(Finding::error(at, "x").say(Path::new("f"), text), expected, "{at}");
        }
    }
}
