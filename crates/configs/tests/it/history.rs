//! What was tried is remembered.

use configs::Outcome;
use serde_json::{Value, json};

use crate::desk::{Desk, GOOD, attempt_after, edited};

#[test]
fn an_entry_is_what_the_contract_names() {
    let desk = Desk::new();
    let configs = desk.open();
    desk.save(edited("port: 8080", "port: 9000") + "routes: {/ping: pong}\n");
    attempt_after(&configs, 1);
    desk.save(edited("port: 8080", "port: 70000"));
    attempt_after(&configs, 2);
    let Value::Array(history) = serde_json::to_value(configs.history()).unwrap() else { panic!("a list") };

    let entry = |index: usize, expected: Value| {
        let mut entry = history[index].clone();
        let at = entry.as_object_mut().and_then(|entry| entry.remove("at")).expect("a time");
        let at: jiff::Timestamp = at.as_str().expect("text").parse().expect("RFC 3339");
        assert!(jiff::Timestamp::now().duration_since(at).as_secs() < 60);
        if let Some(trigger) = entry.get_mut("trigger").filter(|trigger| *trigger == "poll") {
            *trigger = json!("event");
        }
        assert_eq!(entry, expected);
    };
    entry(
        2,
        json!({"generation": 1, "trigger": "start", "outcome": "accepted", "changed": [], "error": null}),
    );
    entry(
        1,
        json!({"generation": 2, "trigger": "event", "outcome": "accepted", "error": null, "changed": [
            {"path": "port", "from": 8080, "to": 9000},
            {"path": "routes./ping", "from": null, "to": "pong"},
        ]}),
    );
    let file = desk.config().display().to_string();
    let message = format!("{file}:2:7: port: expected a port from 1 to 65535, found `70000`");
    entry(
        0,
        json!({"generation": 2, "trigger": "event", "outcome": "rejected", "changed": [],
            "error": {"message": message, "file": file, "line": 2, "column": 7}}),
    );
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
fn an_error_without_a_place_has_none() {
    let desk = Desk::new();
    let configs = desk.open();
    std::fs::remove_file(desk.config()).unwrap();
    attempt_after(&configs, 1);
    let entry = serde_json::to_value(&configs.history()[0]).unwrap();
    assert_eq!((&entry["error"]["line"], &entry["error"]["column"]), (&json!(null), &json!(null)));
    assert_eq!(entry["error"]["file"], json!(desk.config().display().to_string()));
    desk.save(GOOD);
    assert_eq!(attempt_after(&configs, 2).outcome, Outcome::Unchanged);
}
