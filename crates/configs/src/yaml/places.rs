//! The parser's markers as places of the file.

use std::path::Path;
use std::sync::Arc;

use granit_parser::{Marker, ScanError, Span as Range};

use crate::origin::Origin;
use crate::problem::Problem;
use crate::surrogates::Replaced;
use crate::tree::{Mark, Span};

/// Makes marks and problems for one document.
pub(super) struct Places<'a> {
    pub(super) replaced: &'a Replaced<'a>,
    /// `None` for the built-in defaults.
    pub(super) file: Option<Arc<Path>>,
    /// The name of the format for messages.
    pub(super) format: &'static str,
}

impl Places<'_> {
    pub(super) fn mark(&self, range: Range) -> Mark {
        let (start, end) = (range.start, range.end);
        let last_line = if end.col() == 0 && end.line() > start.line() { end.line() - 1 } else { end.line() };
        let (longer, shift) = self.replaced.longer_before(start.line(), start.col());
        let (longer_at_end, _) = self.replaced.longer_before(end.line(), end.col());
        let span = range.byte_range().map(|bytes| Span {
            start: bytes.start + longer,
            end: bytes.end + longer_at_end,
            first_line: start.line(),
            last_line,
        });
        let origin = self.origin(start.line(), start.col() + shift + 1);
        Mark { origin, span, quotable: start.line() == last_line, ignores_case: false }
    }

    pub(super) fn problem(&self, message: &str, at: Marker) -> Problem {
        let (_, shift) = self.replaced.longer_before(at.line(), at.col());
        Problem::plain(message).at(self.origin(at.line().max(1), at.col() + shift + 1))
    }

    /// The problem of a document that has no value.
    pub(super) fn empty(&self) -> Problem {
        Problem::plain("the document is empty, expected a map of keys").at(self.origin(1, 1))
    }

    /// The problem of a text that the parser refuses. One of its messages repeats a character of the file; that is left out.
    pub(super) fn syntax(&self, error: &ScanError) -> Problem {
        let message = error.kind().to_string();
        let is_character = message.starts_with("unexpected character");
        let message = if is_character { "unexpected character" } else { &message };
        self.problem(&format!("this is not {}: {message}", self.format), *error.marker())
    }

    /// `line` and `column` are counted from 1.
    fn origin(&self, line: usize, column: usize) -> Origin {
        match &self.file {
            Some(path) => Origin::File { path: Arc::clone(path), line: line as u64, column: column as u64 },
            None => Origin::Default,
        }
    }
}
