//! A plugin that follows its file.

use std::fs::{self, File};
use std::sync::Arc;
use std::time::Duration;

use crate::fixture::{Fixture, example, faulty};
use plugins::{Event, Options};

/// Longer than the poll and the quiet period of the watcher.
const A_WHILE: Duration = Duration::from_millis(1500);

pub(crate) fn another_content_is_swapped_in() {
    let fixture = Fixture::new();
    assert_eq!(fixture.answer(), "one greets you");
    for text in ["swap-two", "swap-three", "swap-four"] {
        fixture.replace(&faulty("none", text));
        fixture.wait_for_swap();
        assert_eq!(fixture.answer(), format!("{text} greets you"));
    }
}

pub(crate) fn the_same_bytes_again_are_no_event() {
    let fixture = Fixture::new();
    let before = fixture.plugin.snapshot();
    fixture.replace(&faulty("none", "one"));
    fs::write(fixture.path(), faulty("none", "one")).unwrap();
    assert!(!fixture.has_event_within(A_WHILE));
    assert!(Arc::ptr_eq(&before, &fixture.plugin.snapshot()));

    // The control: other bytes are one.
    fixture.replace(&faulty("none", "same-two"));
    fixture.wait_for_swap();
}

pub(crate) fn a_version_that_comes_back_is_not_loaded_again() {
    let fixture = Fixture::new();
    let first = fixture.plugin.snapshot();
    fixture.replace(&faulty("none", "back-two"));
    fixture.wait_for_swap();
    assert!(!Arc::ptr_eq(&first, &fixture.plugin.snapshot()));
    fixture.replace(&faulty("none", "one"));
    fixture.wait_for_swap();
    assert!(Arc::ptr_eq(&first, &fixture.plugin.snapshot()), "one mapping for each version");
    assert!(plugins::mappings() >= 2);
}

pub(crate) fn an_overwritten_file_does_not_change_the_code_that_runs() {
    let fixture = Fixture::new();
    let held = fixture.plugin.snapshot();
    let length = fs::metadata(fixture.path()).unwrap().len();
    let file = File::options().write(true).open(fixture.path()).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &vec![0xcc; usize::try_from(length).unwrap()], 0)
        .unwrap();
    file.set_len(length / 2).unwrap();
    drop(file);
    let refusal = fixture.wait_for_refusal();
    assert!(refusal.contains("no shared library"), "{refusal}");
    assert_eq!(held.greet("you").unwrap(), "one greets you");
    assert_eq!(fixture.answer(), "one greets you");

    fs::write(fixture.path(), faulty("none", "over-two")).unwrap();
    fixture.wait_for_swap();
    assert_eq!(fixture.answer(), "over-two greets you");
}

pub(crate) fn a_file_that_is_deleted_leaves_the_plugin() {
    let fixture = Fixture::new();
    fs::remove_file(fixture.path()).unwrap();
    let refusal = fixture.wait_for_refusal();
    assert!(refusal.contains("is missing"), "{refusal}");
    assert_eq!(fixture.answer(), "one greets you");
    fixture.replace(&faulty("none", "one"));
    let event = fixture.wait_for_event();
    assert!(matches!(event, Event::Unchanged), "{event:?}");
}

pub(crate) fn the_shipped_example_greets() {
    let fixture = Fixture::of(&example("greeter"), Options::default());
    let version = fixture.plugin.snapshot();
    assert_eq!(version.greet("World").unwrap(), "Hello, World!\n");
    assert_eq!((&*version.name, &*version.version, version.sha256.len()), ("polite", "1.0", 64));
}
