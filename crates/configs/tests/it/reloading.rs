//! Saved edits are in force; a save that changes no value is not an edit.

use configs::{Outcome, Trigger};

use crate::desk::{Desk, GOOD, attempt_after, edited, until};

#[test]
fn a_saved_edit_is_in_force_and_counted() {
    let desk = Desk::new();
    let configs = desk.open();
    let before = configs.snapshot();
    for generation in 2..5 {
        desk.save(edited("port: 8080", &format!("port: 900{generation}")));
        until("the edit is in force", || configs.load().generation() == generation);
        assert_eq!(u64::from(configs.load().port), 9000 + generation);
    }
    assert_eq!((before.generation(), before.port), (1, 8080), "who holds a snapshot keeps it");
}

#[test]
fn an_edit_in_place_counts_too() {
    let desk = Desk::new();
    let configs = desk.open();
    std::fs::write(desk.config(), edited("port: 8080", "port: 9000")).unwrap();
    until("the edit is in force", || configs.load().port == 9000);
}

#[test]
fn a_save_that_changes_no_value_makes_no_generation() {
    let desk = Desk::new();
    let configs = desk.open();
    for (known, text) in [
        format!("# hello\n{GOOD}"),
        edited("port: 8080", "port:    0x1F90"),
        format!("{GOOD}host: 127.0.0.1\nx-note: 1\n"),
        GOOD.to_owned(),
    ]
    .into_iter()
    .enumerate()
    {
        desk.save(text);
        let attempt = attempt_after(&configs, known + 1);
        assert_eq!((attempt.outcome, attempt.generation), (Outcome::Unchanged, 1));
    }
}

#[test]
fn a_removed_key_is_gone() {
    let desk = Desk::with(format!("{GOOD}routes: {{/a: b, /c: d}}\nmaintenance: true\n"));
    let configs = desk.open();
    assert!(configs.load().maintenance);
    desk.save(format!("{GOOD}routes: {{/a: b}}\n"));
    until("the edit is in force", || configs.load().generation() == 2);
    assert_eq!((configs.load().routes.len(), configs.load().maintenance), (1, false));
}

#[test]
fn a_reload_on_request_tries_even_the_same_bytes_again() {
    let desk = Desk::new();
    let configs = desk.open();
    configs.reload();
    let attempt = attempt_after(&configs, 1);
    assert_eq!((attempt.outcome, attempt.trigger), (Outcome::Unchanged, Trigger::Request));
    desk.save("port: [");
    assert_eq!(attempt_after(&configs, 2).outcome, Outcome::Rejected);
    configs.reload();
    let attempt = attempt_after(&configs, 3);
    assert_eq!((attempt.outcome, attempt.trigger), (Outcome::Rejected, Trigger::Request));
}

#[test]
fn a_lowered_or_dropped_revision_is_stale_until_the_next_start() {
    let revision = |number: u64| format!("{GOOD}revision: {number}\n");
    let desk = Desk::with(revision(12));
    let configs = desk.open();
    assert_eq!(configs.load().revision(), Some(12));
    desk.save(revision(11));
    let attempt = attempt_after(&configs, 1);
    let error = attempt.error.expect("stale");
    assert!(
        error.message().contains("config.yaml:13:11: revision: stale: revision 11 is lower than 12"),
        "{error}"
    );
    desk.save(GOOD);
    let error = attempt_after(&configs, 2).error.expect("stale");
    assert!(
        error.message().ends_with(
            "revision: stale: there is no revision, and 12 is in force (start from the newest copy and raise the revision)"
        ),
        "{error}"
    );
    desk.save(revision(3));
    assert_eq!(attempt_after(&configs, 3).outcome, Outcome::Rejected, "an edit without one changed nothing");
    desk.save(revision(13));
    until("a higher one is in force", || configs.load().revision() == Some(13));
    drop(configs);
    desk.save(revision(1));
    assert_eq!(desk.open().load().revision(), Some(1), "a new start forgets it");
}

#[test]
fn a_rollback_that_is_allowed_lowers_and_drops_the_revision() {
    let desk = Desk::with(format!("{GOOD}revision: 12\n"));
    let configs = desk.builder().allow_rollback(true).open().unwrap();
    desk.save(format!("{GOOD}revision: 3\n"));
    until("the lower one is in force", || configs.load().revision == Some(3));
    desk.save(GOOD);
    until("none is in force", || configs.load().revision.is_none());
}

#[test]
fn every_file_is_watched_even_when_the_first_is_broken() {
    let desk = Desk::new();
    desk.write("over.yaml", "port: 1000\n");
    let configs = desk.builder().file(desk.file("over.yaml")).open().unwrap();
    desk.save("port: [");
    assert_eq!(attempt_after(&configs, 1).outcome, Outcome::Rejected);
    desk.write("over.yaml", "port: 2000\n");
    assert_eq!(attempt_after(&configs, 2).outcome, Outcome::Rejected);
    desk.save(GOOD);
    until("both are in force", || configs.load().port == 2000);
}

#[test]
fn readers_see_only_whole_configurations() {
    let pair =
        |number: u16| edited("port: 8080", &format!("port: {number}")).replace("5432", &number.to_string());
    let desk = Desk::with(pair(1));
    let configs = desk.open();
    let reader = configs.clone();
    let reading = std::thread::spawn(move || {
        let (mut seen, mut distinct) = (0, 0);
        while seen < 60 {
            let snapshot = reader.load();
            assert_eq!(snapshot.port, snapshot.database.port);
            distinct += usize::from(snapshot.port != seen);
            seen = snapshot.port;
        }
        distinct
    });
    for number in 2..=60 {
        desk.save(pair(number));
    }
    assert!(reading.join().unwrap() > 1, "the reader saw edits");
}
