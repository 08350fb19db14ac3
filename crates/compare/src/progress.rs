//! Messages for the person who waits at the terminal.

use std::io::{Write, stderr};

/// Prints a line to stderr. The page goes on if nobody reads it any more.
pub(crate) fn progress(line: &str) {
    let _ = writeln!(stderr(), "{line}");
}
