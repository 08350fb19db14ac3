//! Values that are set at run time.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use configs::{Origin, Outcome, Rejection, SetError, Trigger};
use serde_json::json;

use crate::desk::{Desk, edited, until};

#[tokio::test]
async fn a_value_is_in_force_when_set_returns_and_gone_when_unset_does() {
    let desk = Desk::new();
    let configs = desk.open();
    configs.set("port", json!(9000), None).await.unwrap();
    assert_eq!((configs.load().port, configs.load().generation()), (9000, 2));
    let listed = configs.overrides();
    assert_eq!(
        (listed.len(), listed[0].key.as_str(), &listed[0].value, listed[0].until),
        (1, "port", &json!(9000), None)
    );
    configs.unset("port").await.unwrap();
    assert_eq!((configs.load().port, configs.load().generation()), (8080, 3));
    assert!(configs.overrides().is_empty());
    assert!(matches!(configs.unset("port").await, Err(SetError::NotSet)));
}

#[tokio::test]
async fn values_that_are_set_at_once_are_all_in_force() {
    let desk = Desk::new();
    let configs = desk.open();
    let set = async |number: u64| {
        let outcome = configs.set(&format!("routes./{number}"), json!(number.to_string()), None).await;
        let bad = configs.set(&format!("routes.{number}"), json!("no path"), None).await;
        (outcome.is_ok(), matches!(bad, Err(SetError::Rejected(_))))
    };
    let done = tokio::join!(set(1), set(2), set(3), set(4), set(5), set(6));
    assert_eq!(done, ((true, true), (true, true), (true, true), (true, true), (true, true), (true, true)));
    assert_eq!(configs.load().routes.len(), 6);
    assert_eq!(configs.load().generation(), 7, "each is an edit of its own");
}

#[tokio::test]
async fn a_value_that_expires_while_a_file_is_broken_goes_when_the_file_is_mended() {
    let desk = Desk::new();
    let configs = desk.open();
    configs.set("port", json!(9000), Some(Duration::from_millis(300))).await.unwrap();
    desk.save(edited("seconds: 5", "seconds: x"));
    until("the expiry is rejected, too", || {
        configs.history().iter().filter(|attempt| attempt.outcome == Outcome::Rejected).count() >= 2
    });
    assert_eq!(configs.load().port, 9000);
    desk.save(edited("port: 8080", "port: 8081"));
    until("the file is in force", || configs.load().port == 8081);
    assert!(configs.overrides().is_empty());
}

#[tokio::test]
async fn while_a_file_is_broken_a_value_is_rejected_with_its_diagnosis() {
    let desk = Desk::new();
    let configs = desk.open();
    desk.save(edited("port: 8080", "port: x"));
    until("the edit is rejected", || configs.history()[0].outcome == Outcome::Rejected);
    let Err(SetError::Rejected(diagnosis)) = configs.set("app_name", json!("Set"), None).await else {
        panic!("it was set")
    };
    assert!(diagnosis.message().contains("config.yaml:2:7"), "{diagnosis}");
    desk.save(edited("port: 8080", "port: 8081"));
    until("the file is in force", || configs.load().port == 8081);
    assert_eq!(configs.load().app_name, "MyRustApp", "the rejected value does not come back");
}

#[tokio::test]
async fn a_refusal_drops_the_value_and_tells_why_once() {
    let desk = Desk::new();
    let configs = desk.open();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    configs.on_prepare(move |_, new| {
        counted.fetch_add(1, Ordering::Relaxed);
        if new.port == 9000 {
            Err(Rejection::new("port", "the address is in use"))
        } else {
            Ok(configs::no_op())
        }
    });
    let Err(SetError::Rejected(diagnosis)) = configs.set("port", json!(9000), None).await else {
        panic!("it was set")
    };
    assert_eq!(diagnosis.message(), "override port: port: the address is in use");
    assert_eq!((configs.load().port, asked.load(Ordering::Relaxed)), (8080, 1));
    let last = configs.history().remove(0);
    assert_eq!((last.trigger, last.outcome, last.generation), (Trigger::Override, Outcome::Rejected, 1));
    assert!(matches!(last.origin, Some(Origin::Runtime(key)) if key == "port"));
    assert_eq!(configs.history().len(), 2);
}

#[tokio::test]
async fn a_value_in_force_hides_a_bad_one_in_a_file() {
    let desk = Desk::new();
    let configs = desk.open();
    configs.set("port", json!(9000), None).await.unwrap();
    desk.save(edited("port: 8080", "port: x").replace("MyRustApp", "Renamed"));
    until("the rest of the edit is in force", || configs.load().app_name == "Renamed");
    let Err(SetError::Rejected(diagnosis)) = configs.unset("port").await else { panic!("it was taken back") };
    assert!(diagnosis.message().contains("config.yaml:2:7"), "{diagnosis}");
    assert_eq!((configs.load().port, configs.overrides().len()), (9000, 1), "it stays");
}

#[tokio::test]
async fn a_file_of_kept_values_that_cannot_be_written_is_told() {
    let desk = Desk::new();
    let configs = desk.builder().keep_overrides(desk.file("missing/kept.json")).open().unwrap();
    let Err(SetError::NotKept(why)) = configs.set("port", json!(9000), None).await else {
        panic!("it was kept")
    };
    assert!(why.contains("missing/kept.json` cannot be written"), "{why}");
    assert_eq!(configs.load().port, 9000, "it is in force all the same");
    fs::create_dir(desk.file("missing")).unwrap();
    configs.set("port", json!(9001), None).await.unwrap();
    drop(configs);
    let again = desk.builder().keep_overrides(desk.file("missing/kept.json")).open().unwrap();
    assert_eq!(again.load().port, 9001);
    let names: Vec<_> =
        fs::read_dir(desk.file("missing")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["kept.json"], "no draft is left");
}

#[tokio::test]
async fn no_thread_outlives_the_last_handle() {
    let desk = Desk::new();
    let configs = desk.open();
    configs.set("port", json!(9000), Some(Duration::from_hours(1))).await.unwrap();
    let named = || {
        let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
        let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
        names.filter(|name| name.trim() == "expiry").count()
    };
    let other = configs.clone();
    drop(configs);
    assert_eq!(other.load().port, 9000);
    assert!(named() > 0, "it waits for the end of the value");
    drop(other);
    until("its thread has ended", || named() == 0);
}
