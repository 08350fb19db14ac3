//! Calls of a version.

use crate::fixture::{Fixture, faulty};
use plugins::Options;

pub(crate) fn a_panic_in_a_call_fails_that_call_alone() {
    let fixture = Fixture::of(&faulty("mallory", "careful"), Options::default());
    let version = fixture.plugin.snapshot();
    for _ in 0..3 {
        match version.greet("Mallory") {
            Err(error) => {
                let reason = error.to_string();
                assert!(reason.starts_with("the plugin failed: panicked at "), "{reason}");
                assert!(
                    reason.contains("faulty.rs:") && reason.ends_with("no answer for Mallory"),
                    "{reason}"
                );
            }
            Ok(answer) => panic!("{answer}"),
        }
        assert_eq!(version.greet("Alice").unwrap(), "careful greets Alice");
    }
}

pub(crate) fn a_version_that_is_held_answers_after_a_swap() {
    let fixture = Fixture::new();
    let held = fixture.plugin.snapshot();
    fixture.replace(&faulty("none", "held-two"));
    fixture.wait_for_swap();
    assert_eq!(held.greet("you").unwrap(), "one greets you");
    assert_eq!(fixture.answer(), "held-two greets you");
    assert_eq!((&*held.name, &*held.version), ("faulty", "0.0"));
}
