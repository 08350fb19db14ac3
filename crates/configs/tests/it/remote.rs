//! Sources, and canaries in their text.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use configs::{
    AppConfig, Builder, Configs, Format, Outcome, Source, SourceDocument, SourceError, SourceState,
    SourceStatus, SourceText, Trigger, Variant,
};

use crate::desk::{Desk, GOOD, until};

/// A source whose text a test sets.
#[derive(Default)]
struct Fake(Mutex<State>);

#[derive(Default)]
struct State {
    latest: Option<SourceText>,
    kept: Option<SourceText>,
    accepted: Vec<String>,
    changed: Option<Box<dyn Fn() + Send + Sync>>,
}

impl Fake {
    fn with(text: &str) -> Arc<Fake> {
        let fake = Arc::new(Fake::default());
        fake.write("1", text);
        fake
    }

    fn write(&self, version: &str, text: &str) {
        self.0.lock().unwrap().latest = Some(document(version, text));
        if let Some(changed) = &self.0.lock().unwrap().changed {
            changed();
        }
    }

    fn accepted(&self) -> Vec<String> {
        self.0.lock().unwrap().accepted.clone()
    }
}

fn document(version: &str, text: &str) -> SourceText {
    let text = text.as_bytes().to_vec().into();
    let document = SourceDocument { name: "fake://host/app.yaml".to_owned(), format: Format::Yaml, text };
    SourceText { version: version.to_owned(), documents: [document].into() }
}

impl Source for Fake {
    fn latest(&self) -> Result<SourceText, SourceError> {
        let away = || SourceError {
            name: "fake://host/app.yaml".to_owned(),
            message: "it is away".to_owned(),
            help: Some("wait".to_owned()),
        };
        self.0.lock().unwrap().latest.clone().ok_or_else(away)
    }

    fn last_good(&self) -> Option<SourceText> {
        self.0.lock().unwrap().kept.clone()
    }

    fn on_change(&self, changed: Box<dyn Fn() + Send + Sync>) {
        self.0.lock().unwrap().changed = Some(changed);
    }

    fn accepted(&self, text: &SourceText) {
        self.0.lock().unwrap().accepted.push(text.version.clone());
    }

    fn refresh(&self) {}

    fn status(&self) -> SourceStatus {
        let version = self.0.lock().unwrap().latest.as_ref().map(|text| text.version.clone());
        SourceStatus { name: "fake".to_owned(), version, state: SourceState::Live, age: Duration::ZERO }
    }
}

fn builder(fake: &Arc<Fake>) -> Builder<AppConfig> {
    AppConfig::builder().source(Arc::clone(fake) as Arc<dyn Source>)
}

/// The settings with a canary for all instances.
fn with_canary(canary: &str) -> String {
    format!("{GOOD}revision: 5\ncanary:\n  percent: 100\n  config: {canary}\n")
}

fn open(fake: &Arc<Fake>) -> Configs<AppConfig> {
    builder(fake).instance("web-1").open().unwrap_or_else(|refused| panic!("{refused}"))
}

#[test]
fn a_source_is_a_layer_among_the_files() {
    let desk = Desk::new();
    desk.write("over.yaml", "settings: {log_level: warn}\n");
    let fake = Fake::with("port: 9000\nsettings: {log_level: debug, refresh_interval_seconds: 9}\n");
    let layers = AppConfig::builder().file(desk.config()).source(Arc::clone(&fake) as Arc<dyn Source>);
    let configs = layers.file(desk.file("over.yaml")).set("port=9100").unwrap().open().unwrap();
    let now = configs.snapshot();
    assert_eq!((now.port, now.settings.log_level.as_str()), (9100, "warn"));
    assert_eq!(now.settings.refresh_interval_seconds, 9);
    fake.write("2", "settings: {refresh_interval_seconds: 8}\n");
    until("the new text is in the history", || configs.history()[0].generation == 2);
    assert_eq!(configs.load().settings.refresh_interval_seconds, 8);
    assert_eq!(configs.history()[0].trigger, Trigger::Source);
    assert_eq!(configs.sources()[0].version.as_deref(), Some("2"));
    desk.write("over.yaml", "settings: {log_level: error}\n");
    until("the edit of the file is in the history", || configs.history()[0].generation == 3);
    assert_eq!(configs.load().settings.log_level, "error");
    assert_eq!(configs.history()[0].trigger, Trigger::Event);
    fake.write("3", "settings: {refresh_interval_seconds: hunter2}\n");
    until("the bad text is rejected", || configs.history()[0].outcome == Outcome::Rejected);
    let diagnosis = configs.history()[0].error.clone().unwrap();
    assert!(diagnosis.message().starts_with("fake://host/app.yaml:1:38: settings.refresh"), "{diagnosis}");
    assert_eq!(diagnosis.public().split(": ").next(), Some("app.yaml:1:38"), "{}", diagnosis.public());
    assert_eq!(configs.sources()[0].version.as_deref(), Some("2"), "the version in force");
    assert_eq!(fake.accepted().last().map(String::as_str), Some("2"), "a rejected text is not kept");
}

#[test]
fn a_source_without_a_text_refuses_the_start_and_a_kept_text_allows_it() {
    let fake = Arc::new(Fake::default());
    let refused = builder(&fake).open().map(drop).expect_err("there is no text");
    assert_eq!(refused.message(), "fake://host/app.yaml: it is away (wait)");
    fake.0.lock().unwrap().kept = Some(document("kept", GOOD));
    let configs = open(&fake);
    assert_eq!(configs.sources()[0].version.as_deref(), Some("kept"));
    fake.write("1", &GOOD.replace("8080", "8081"));
    until("the newest text is in force", || configs.load().port == 8081);
}

#[test]
fn a_bad_text_at_the_start_falls_back_to_the_kept_one_and_is_reported() {
    let fake = Fake::with("nonsense: 1\n");
    let refused = builder(&fake).open().map(drop).expect_err("nothing is kept");
    assert!(refused.message().contains("nonsense: unknown key"), "{refused}");
    fake.0.lock().unwrap().kept = Some(document("kept", GOOD));
    let configs = open(&fake);
    until("the bad text is reported", || configs.history()[0].outcome == Outcome::Rejected);
    assert!(configs.history()[0].error.clone().unwrap().message().contains("nonsense: unknown key"));
    assert_eq!(configs.load().port, 8080);
    fake.write("2", &GOOD.replace("8080", "8081"));
    until("the mended text is in force", || configs.load().port == 8081);
}

#[test]
fn a_canary_is_run_by_its_share_alone() {
    // By the hash of its name, `web-2` is at 13.9 of 100 and `web-1` at 95.78.
    let text =
        with_canary("{settings: {refresh_interval_seconds: 9}}").replace("percent: 100", "percent: 20");
    let fake = Fake::with(&text);
    for (instance, seconds, variant) in
        [(Some("web-2"), 9, Variant::Canary), (Some("web-1"), 5, Variant::Stable), (None, 5, Variant::Stable)]
    {
        let builder = builder(&fake);
        let builder = match instance {
            Some(name) => builder.instance(name),
            None => builder,
        };
        let configs = builder.open().unwrap();
        assert_eq!(configs.load().settings.refresh_interval_seconds, seconds, "{instance:?}");
        assert_eq!(configs.variant(), variant, "{instance:?}");
    }
}

#[test]
fn a_canary_is_withdrawn_or_promoted_by_one_write() {
    let fake = Fake::with(&format!("{GOOD}revision: 5\n"));
    let configs = open(&fake);
    let seconds = || configs.load().settings.refresh_interval_seconds;
    fake.write("2", &with_canary("{revision: 6, settings: {refresh_interval_seconds: 9}}"));
    until("the canary is in the history", || configs.history()[0].generation == 2);
    assert_eq!(seconds(), 9);
    assert_eq!((configs.variant(), configs.load().revision()), (Variant::Canary, Some(6)));
    assert!(configs.history()[0].is_canary);
    // It lowers the revision, and is not stale.
    fake.write("3", &format!("{GOOD}revision: 5\n"));
    until("the withdrawal is in the history", || configs.history()[0].generation == 3);
    assert_eq!(seconds(), 5);
    assert_eq!((configs.variant(), configs.load().revision()), (Variant::Stable, Some(5)));
    fake.write("4", &with_canary("{revision: 6, settings: {refresh_interval_seconds: 9}}"));
    until("the canary is in the history again", || configs.history()[0].generation == 4);
    assert_eq!(seconds(), 9);
    fake.write("5", &format!("{}revision: 6\n", GOOD.replace("seconds: 5", "seconds: 9")));
    until("the promotion is in the history", || configs.history()[0].outcome == Outcome::Unchanged);
    assert_eq!((seconds(), configs.variant()), (9, Variant::Stable));
    fake.write("6", &format!("{GOOD}revision: 4\n"));
    until("an old text is stale", || configs.history()[0].outcome == Outcome::Rejected);
}

#[test]
fn a_canary_that_is_rejected_is_reported_once_and_changes_nothing() {
    let bad = with_canary("{settings: {refresh_interval_seconds: 0}}");
    for starts_with_it in [true, false] {
        let fake = Fake::with(if starts_with_it { &bad } else { GOOD });
        let configs = open(&fake);
        if !starts_with_it {
            fake.write("2", &bad);
        }
        until("the canary is rejected", || configs.variant() == Variant::CanaryRejected);
        let rejected = || {
            let history = configs.history();
            history.into_iter().filter(|attempt| attempt.outcome == Outcome::Rejected).collect::<Vec<_>>()
        };
        until("the report", || rejected().len() == 1);
        let attempt = &rejected()[0];
        assert!(attempt.is_canary && attempt.trigger == Trigger::Source, "{attempt:?}");
        let said = attempt.error.clone().unwrap().message();
        assert!(said.contains("app.yaml:16:49: settings.refresh_interval_seconds: expected"), "{said}");
        assert_eq!(configs.load().settings.refresh_interval_seconds, 5);
        fake.write("3", &bad.replace("port: 8080", "port: 8081"));
        until("the text without the canary is in force", || configs.load().port == 8081);
        assert_eq!((rejected().len(), configs.variant()), (1, Variant::CanaryRejected));
        fake.write("4", &bad.replace("seconds: 0", "seconds: 7"));
        until("a mended canary is in force", || configs.variant() == Variant::Canary);
    }
}

#[test]
fn a_malformed_canary_is_rejected_with_its_place() {
    let fake = Fake::with(GOOD);
    let configs = open(&fake);
    fake.write("2", &format!("{GOOD}canary:\n  percent: 101\n  config: {{}}\n"));
    until("it is rejected", || configs.history()[0].outcome == Outcome::Rejected);
    let said = configs.history()[0].error.clone().unwrap().message();
    assert!(said.starts_with("fake://host/app.yaml:14:3: canary: `percent`: expected a number"), "{said}");
    let desk = Desk::with(format!("{GOOD}canary: {{percent: 5, config: {{}}}}\n"));
    let refused = AppConfig::builder().file(desk.config()).instance("web-1").open().map(drop);
    assert!(refused.expect_err("a file has no canary").message().contains("canary: unknown key"));
}
