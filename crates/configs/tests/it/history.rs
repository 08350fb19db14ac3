//! The attempts that are remembered.

use configs::{Outcome, Trigger};
use serde_json::json;

use crate::desk::{Desk, GOOD, attempt_after, edited};

#[test]
fn an_attempt_tells_its_changes_and_its_error() {
    let desk = Desk::new();
    let configs = desk.open();
    desk.save(edited("port: 8080", "port: 9000") + "routes: {/ping: pong}\n");
    let accepted = attempt_after(&configs, 1);
    desk.save(edited("port: 8080", "port: 70000"));
    let rejected = attempt_after(&configs, 2);

    let start = configs.history().remove(2);
    assert_eq!((start.generation, start.trigger, start.outcome), (1, Trigger::Start, Outcome::Accepted));
    assert!(start.changed.is_empty() && start.error.is_none());
    assert_eq!((accepted.generation, accepted.outcome), (2, Outcome::Accepted));
    let changed = json!([
        {"path": "port", "from": 8080, "to": 9000},
        {"path": "routes./ping", "from": null, "to": "pong"},
    ]);
    assert_eq!(serde_json::to_value(&accepted.changed).unwrap(), changed);
    assert_eq!((rejected.generation, rejected.outcome), (2, Outcome::Rejected));
    let message = "config.yaml:2:7: port: expected a port from 1 to 65535, found `70000`";
    assert!(rejected.error.expect("an error").message().ends_with(message));
}

#[test]
fn fifty_attempts_are_remembered_newest_first() {
    let desk = Desk::new();
    let configs = desk.open();
    for _ in 0..60 {
        let newest = configs.history()[0].at.clone();
        configs.reload();
        crate::desk::until("a further attempt", || configs.history()[0].at != newest);
    }
    let history = configs.history();
    assert_eq!(history.len(), 50);
    assert!(history.is_sorted_by(|newer, older| newer.at >= older.at));
    assert!(history.iter().all(|attempt| attempt.outcome == Outcome::Unchanged));
}

#[test]
fn a_missing_file_is_an_error_at_the_file_as_a_whole() {
    let desk = Desk::new();
    let configs = desk.open();
    std::fs::remove_file(desk.config()).unwrap();
    let error = attempt_after(&configs, 1).error.expect("a missing file");
    let origin = error.problems()[0].origin.as_ref().expect("an origin").to_string();
    assert_eq!(origin, desk.config().display().to_string());
    desk.save(GOOD);
    assert_eq!(attempt_after(&configs, 2).outcome, Outcome::Unchanged);
}
