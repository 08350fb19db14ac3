//! Tolerated keys are logged once.

use std::fmt::Debug;
use std::sync::{Mutex, OnceLock};

use configs::{Outcome, UnknownKeys};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::desk::{Desk, GOOD, attempt_after};

#[test]
fn a_tolerated_key_is_logged_once_without_its_value() {
    let _ = tracing::subscriber::set_global_default(Ear);
    let desk = Desk::with(format!("{GOOD}tolerated_key: hunter2\n"));
    let configs = desk.builder().unknown_keys(UnknownKeys::Warn).open().unwrap();
    let heard = || LINES.get_or_init(Mutex::default).lock().unwrap().clone();
    let about = |key: &str| heard().into_iter().filter(|line| line.contains(key)).collect::<Vec<_>>();
    assert_eq!(about("tolerated_key").len(), 1);
    assert!(about("tolerated_key")[0].contains("config.yaml:13:1: tolerated_key: unknown key"));

    configs.reload();
    assert_eq!(attempt_after(&configs, 1).outcome, Outcome::Unchanged);
    assert_eq!(about("tolerated_key").len(), 1, "not again");

    desk.save(format!("{GOOD}tolerated_key: hunter2\nanother_key: hunter3\n"));
    assert_eq!(attempt_after(&configs, 2).outcome, Outcome::Unchanged);
    assert_eq!((about("tolerated_key").len(), about("another_key").len()), (1, 1), "only what is new");
    assert!(about("hunter").is_empty());
}

static LINES: OnceLock<Mutex<Vec<String>>> = OnceLock::new();

/// Records every warning.
struct Ear;

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Words);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Words;

impl Visit for Words {
    fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
        LINES.get_or_init(Mutex::default).lock().unwrap().push(format!("{value:?}"));
    }
}
