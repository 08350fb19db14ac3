//! Which tests run: the quick tier always, the long one with `TEST_TIER=full`, and those that need a program if it is installed.
//!
//! ```
//! # fn storm() {}
//! fn ten_thousand_saves_tear_nothing() {
//!     if !conformance::long_tier() {
//!         return;
//!     }
//!     // ...
//! }
//!
//! fn vim_saves_a_file() {
//!     if !conformance::installed(&["vim", "script"]) {
//!         return;
//!     }
//!     // ...
//! }
//! ```
//!
//! The line that is printed begins with `SKIPPED: `. It goes to stderr directly, because the test runner hides the output of
//! `eprintln!` when a test passes.

use std::{
    env,
    io::{Write, stderr},
    panic::Location,
    thread,
};

/// The reason that a test of the long tier gives when it is skipped.
pub(crate) const LONG: &str = "runs with TEST_TIER=full";

/// True if the tests of the long tier run. If not, prints that the calling test is skipped; the test then returns.
///
/// # Panics
/// When `TEST_TIER` is neither `quick` nor `full`.
#[must_use]
#[track_caller]
pub fn long_tier() -> bool {
    if is_full() {
        return true;
    }
    say(&format!("{} {LONG}", this_test()));
    false
}

/// True if all of these programs are in `PATH`. If not, prints that the calling test is skipped; the test then returns.
///
/// # Panics
/// When a program is missing and `REQUIRE_ALL` is `1`.
#[must_use]
#[track_caller]
pub fn installed(programs: &[&str]) -> bool {
    let paths = env::var_os("PATH").unwrap_or_default();
    let found = |program: &str| env::split_paths(&paths).any(|folder| folder.join(program).is_file());
    let missing: Vec<&str> = programs.iter().copied().filter(|program| !found(program)).collect();
    if !missing.is_empty() {
        skipped(&format!("`{}` is not installed", missing.join("`, `")));
    }
    missing.is_empty()
}

/// Prints that the calling test is skipped, and why. The test then returns.
///
/// # Panics
/// When `REQUIRE_ALL` is `1`.
#[track_caller]
pub fn skipped(reason: &str) {
    assert!(!requires_all(), "{reason}, and REQUIRE_ALL=1 asks for it");
    say(&format!("{}: {reason}", this_test()));
}

/// True if `TEST_TIER` is `full`.
///
/// # Panics
/// When it is neither `quick` nor `full`.
#[must_use]
pub fn is_full() -> bool {
    full_asked(env::var("TEST_TIER").ok().as_deref()).unwrap_or_else(|wrong| panic!("{wrong}"))
}

/// True if a missing program is a failure: `REQUIRE_ALL` is `1`.
pub(crate) fn requires_all() -> bool {
    env::var_os("REQUIRE_ALL").is_some_and(|value| value == "1")
}

/// Prints a line about what is skipped.
pub(crate) fn say(what: &str) {
    let _ = writeln!(stderr(), "SKIPPED: {what}");
}

fn full_asked(tier: Option<&str>) -> Result<bool, String> {
    match tier {
        None | Some("" | "quick") => Ok(false),
        Some("full") => Ok(true),
        Some(other) => Err(format!("`TEST_TIER` is `{other}`: expected `quick` or `full`")),
    }
}

/// The test runner names a test's thread after the test, but not when it runs the tests one by one.
#[track_caller]
fn this_test() -> String {
    match thread::current().name() {
        Some(name) if name != "main" => name.to_owned(),
        _ => Location::caller().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{full_asked, this_test};

    #[test]
    fn the_tier_is_quick_unless_full_is_asked_for() {
        for (asked, full) in [(None, false), (Some(""), false), (Some("quick"), false), (Some("full"), true)]
        {
            assert_eq!(full_asked(asked), Ok(full));
        }
        let wrong = full_asked(Some("ful")).unwrap_err();
        assert!(wrong.contains("`ful`") && wrong.contains("`quick` or `full`"), "{wrong}");
    }

    #[test]
    fn a_skipped_test_is_named() {
        let name = this_test();
        assert!(name.contains("a_skipped_test_is_named") || name.contains("tier.rs"), "{name}");
    }
}
