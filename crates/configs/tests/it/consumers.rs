//! Consumers, listeners and subscriptions.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use configs::{Event, Outcome, Rejection, no_op};

use crate::desk::{Desk, attempt_after, edited, until};

fn port(number: u16) -> String {
    edited("port: 8080", &format!("port: {number}"))
}

#[test]
fn commits_run_after_the_swap_in_order() {
    let desk = Desk::new();
    let configs = desk.open();
    let told = Arc::new(Mutex::new(Vec::new()));
    for name in ["first", "second"] {
        let told = Arc::clone(&told);
        configs.on_prepare(move |old, new| {
            let (told, line) = (Arc::clone(&told), format!("{name} {} to {}", old.port, new.port));
            Ok(Box::new(move || told.lock().unwrap().push(line)))
        });
    }
    let listened = Arc::clone(&told);
    configs.on_event(move |event| {
        if let Event::Attempt(attempt) = event {
            listened.lock().unwrap().push(attempt.outcome.as_str().to_owned());
        }
    });
    desk.save(port(9000));
    until("all were told", || told.lock().unwrap().len() == 3);
    assert_eq!(*told.lock().unwrap(), ["first 8080 to 9000", "second 8080 to 9000", "accepted"]);
    assert_eq!(configs.load().port, 9000);
}

#[test]
fn one_rejection_rejects_the_whole_edit_with_the_place_of_its_path() {
    struct Prepared(Arc<AtomicUsize>);
    impl Drop for Prepared {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let desk = Desk::new();
    let configs = desk.open();
    let (dropped, committed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (drops, commits) = (Arc::clone(&dropped), Arc::clone(&committed));
    configs.on_prepare(move |_, _| {
        let (prepared, commits) = (Prepared(Arc::clone(&drops)), Arc::clone(&commits));
        Ok(Box::new(move || {
            let _kept = &prepared;
            commits.fetch_add(1, Ordering::SeqCst);
        }))
    });
    configs.on_prepare(|_, new| match new.port {
        81 => Err(Rejection::new("port", "cannot bind: permission denied")),
        82 => panic!("a consumer that panics"),
        _ => Ok(no_op()),
    });

    desk.save(port(81));
    let error = attempt_after(&configs, 1).error.expect("rejected");
    assert!(error.message().ends_with("config.yaml:2:7: port: cannot bind: permission denied"), "{error}");
    assert!(error.render().contains("2 | port: 81"), "{}", error.render());
    desk.save(port(82));
    let error = attempt_after(&configs, 2).error.expect("rejected");
    assert!(error.message().contains("panicked"), "{error}");
    assert_eq!((configs.load().generation(), configs.load().port), (1, 8080));
    assert_eq!((dropped.load(Ordering::SeqCst), committed.load(Ordering::SeqCst)), (2, 0));

    desk.save(port(83));
    assert_eq!(attempt_after(&configs, 3).outcome, Outcome::Accepted);
    assert_eq!((dropped.load(Ordering::SeqCst), committed.load(Ordering::SeqCst)), (3, 1));
}

/// The first consumer delays the edit until the second one is registered. If the registration waits for the edit, it delays
/// it for one second.
#[test]
fn a_consumer_registered_during_an_edit_is_asked_about_it_or_finds_it_in_force() {
    let desk = Desk::new();
    let configs = desk.open();
    let (registered, is_registered) = mpsc::channel();
    let (late, is_late) = mpsc::channel();
    let handle = Mutex::new(Some((configs.clone(), registered)));
    configs.on_prepare(move |_, _| {
        if let Some((configs, registered)) = handle.lock().unwrap().take() {
            let late = late.clone();
            thread::spawn(move || {
                let asked = late.clone();
                configs.on_prepare(move |_, new| {
                    let _ = asked.send(new.port);
                    Ok(no_op())
                });
                let _ = late.send(configs.load().port);
                let _ = registered.send(());
            });
            let _ = is_registered.recv_timeout(Duration::from_secs(1));
        }
        Ok(no_op())
    });
    desk.save(port(9000));
    until("it is in force", || configs.load().port == 9000);
    let known = is_late.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(
        known == 9000 || is_late.try_iter().any(|port| port == 9000),
        "the second one knows only of {known}"
    );
}

#[test]
fn a_consumer_registered_by_another_one_is_asked_about_the_same_edit() {
    let desk = Desk::new();
    let configs = desk.open();
    let handle = Mutex::new(Some(configs.clone()));
    configs.on_prepare(move |_, _| {
        if let Some(configs) = handle.lock().unwrap().take() {
            configs.on_prepare(|_, new| match new.port {
                81 => Err(Rejection::new("port", "not this one")),
                _ => Ok(no_op()),
            });
        }
        Ok(no_op())
    });
    desk.save(port(81));
    assert_eq!(attempt_after(&configs, 1).outcome, Outcome::Rejected);
    assert_eq!(configs.load().port, 8080);
}

#[test]
fn a_rejected_edit_may_succeed_when_asked_again() {
    let desk = Desk::new();
    let configs = desk.open();
    let asked = AtomicUsize::new(0);
    configs.on_prepare(move |_, _| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Err(Rejection::new("port", "not yet")),
        _ => Ok(no_op()),
    });
    desk.save(port(9000));
    assert_eq!(attempt_after(&configs, 1).outcome, Outcome::Rejected);
    configs.reload();
    assert_eq!(attempt_after(&configs, 2).outcome, Outcome::Accepted);
    assert_eq!(configs.load().port, 9000);
}

#[tokio::test]
async fn a_subscription_fires_if_and_only_if_its_part_changed() {
    let desk = Desk::new();
    let configs = desk.open();
    let mut level = configs.watch(|config| config.settings.log_level.clone());
    assert_eq!(level.get(), "info");
    desk.save(port(9000));
    until("the port is in force", || configs.load().port == 9000);
    desk.save(port(9000).replace("info", "debug"));
    assert_eq!(level.changed().await, Ok("debug".to_owned()), "and not for the port");

    for (known, text) in
        [port(9000).replace("info", "warn"), port(9000).replace("info", "debug"), port(1)].iter().enumerate()
    {
        desk.save(text);
        until("the edit is in force", || configs.load().generation() == 4 + known as u64);
    }
    assert_eq!(level.get(), "info", "the latest value wins");
    assert_eq!(level.changed().await, Ok("info".to_owned()));
    drop(configs);
    assert!(level.changed().await.is_err(), "the last handle was dropped");
}

#[tokio::test]
async fn panicking_and_slow_followers_harm_nobody() {
    let desk = Desk::new();
    let configs = desk.open();
    let _slow = configs.watch(|config| config.port);
    let _panicking = configs.watch(|config| assert_eq!(config.port, 8080, "a follower that panics"));
    configs.on_event(|_| panic!("a listener that panics"));
    configs.on_prepare(|_, _| Ok(Box::new(|| panic!("a commit that panics"))));
    let mut port_now = configs.watch(|config| config.port);
    let heard = Arc::new(AtomicUsize::new(0));
    let hearing = Arc::clone(&heard);
    configs.on_event(move |_| {
        hearing.fetch_add(1, Ordering::SeqCst);
    });
    for number in [9000, 9001] {
        desk.save(port(number));
        assert_eq!(port_now.changed().await, Ok(number));
    }
    until("both were heard of", || heard.load(Ordering::SeqCst) == 2);
    assert_eq!(configs.load().generation(), 3);
}

#[test]
fn callbacks_may_add_callbacks() {
    let desk = Desk::new();
    let configs = desk.open();
    let added = Arc::new(AtomicUsize::new(0));
    let (within, count) = (Mutex::new(Some(configs.clone())), Arc::clone(&added));
    configs.on_event(move |_| {
        if let Some(configs) = within.lock().unwrap().take() {
            let count = Arc::clone(&count);
            configs.on_event(move |_| {
                count.fetch_add(1, Ordering::SeqCst);
            });
        }
    });
    for number in [9000, 9001] {
        desk.save(port(number));
        until("it is in force", || configs.load().port == number);
    }
    until("the added one was called", || added.load(Ordering::SeqCst) == 1);
}

#[test]
fn nothing_is_left_of_a_configuration_that_was_dropped() {
    struct Canary(Arc<AtomicUsize>);
    impl Drop for Canary {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let desk = Desk::new();
    let configs = desk.open();
    let dropped = Arc::new(AtomicUsize::new(0));
    let canary = Canary(Arc::clone(&dropped));
    configs.on_event(move |_| {
        let _held = &canary;
    });
    drop(configs);
    until("the callbacks are gone", || dropped.load(Ordering::SeqCst) == 1);
}
