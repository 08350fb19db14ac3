//! The promises of the script, in node and in a real browser.

mod node;

use crate::node::run;
use conformance::{installed, long_tier};

#[test]
fn the_scripts_decisions_are_right() {
    if installed(&["node"]) {
        run("decisions.mjs").unwrap_or_else(|printed| panic!("{printed}"));
    }
}

#[test]
fn the_script_keeps_its_promises_in_a_browser() {
    if long_tier() && installed(&["node", "chromedriver"]) {
        run("browser.mjs").unwrap_or_else(|printed| panic!("{printed}"));
    }
}

#[test]
fn a_claim_that_does_not_hold_is_seen() {
    if installed(&["node"]) {
        run("wrong.mjs").unwrap_err();
    }
}

#[test]
fn the_script_holds_nothing_that_a_strict_policy_forbids() {
    for forbidden in
        ["eval(", "new Function", "innerHTML", "outerHTML", "document.write", "javascript:", ".style."]
    {
        assert!(!livepage::SCRIPT.contains(forbidden), "the script says `{forbidden}`");
    }
}

#[test]
fn the_script_stays_small() {
    assert!(livepage::SCRIPT.len() <= 12 << 10, "{} bytes", livepage::SCRIPT.len());
}
