//! The output of the program: figures on stdout, progress on stderr.

use std::io::{Write, stderr};

/// Prints a line of the result.
#[allow(clippy::print_stdout, reason = "the figures are the output of this program")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// Prints a message for the person who waits. The measurement goes on if nobody reads it any more.
pub(crate) fn progress(line: &str) {
    let _ = writeln!(stderr(), "{line}");
}
