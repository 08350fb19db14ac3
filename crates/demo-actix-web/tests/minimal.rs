//! `examples/minimal.rs` in a folder of its own.

use conformance::{Failed, minimal};

#[test]
fn edits_of_both_files_are_served() -> Result<(), Failed> {
    minimal::edits_of_both_files_are_served("actix_web_minimal")
}
