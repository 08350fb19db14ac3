//! All that is printed.

use std::io::Write;

use crate::refusal::Refusal;

/// Where hotrun's own lines go: stderr, in colour where that is a terminal.
#[derive(Clone, Debug)]
pub(crate) struct Report {}

impl Report {
    /// Without settings.
    pub(crate) fn plain() -> Report {
        Report {}
    }

    pub(crate) fn refused(&self, refusal: &Refusal) {
        self.line(&refusal.words);
    }

    /// `hotrun check`'s lines, on stdout.
    pub(crate) fn say(&self, line: &str) {
        let _ = writeln!(anstream::stdout().lock(), "{line}");
    }

    fn line(&self, words: &str) {
        let _ = writeln!(anstream::stderr().lock(), "hotrun: {words}");
    }
}
