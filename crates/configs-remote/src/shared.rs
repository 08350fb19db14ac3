//! The state of one source, for its thread and for those that ask.

use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use configs::{SourceError, SourceState, SourceStatus, SourceText};
use tokio::sync::Notify;

use crate::failure::Failure;
use crate::fetched::Fetched;
use crate::kept::{Kept, KeptText};

/// The state of one source.
pub(crate) struct Shared {
    name: String,
    state: Mutex<State>,
    /// The first question was answered, or has failed.
    first: Condvar,
    changed: OnceLock<Box<dyn Fn() + Send + Sync>>,
    refresh: Notify,
    kept: Option<Kept>,
    /// A text is to be kept.
    keep: Notify,
}

#[derive(Default)]
struct State {
    latest: Option<SourceText>,
    /// When the source has last confirmed `latest`.
    confirmed: Option<Instant>,
    /// Why the last question has failed.
    failed: Option<SourceError>,
    /// The text on disk.
    copy: Option<KeptText>,
    to_keep: Option<KeptText>,
}

impl Shared {
    pub(crate) fn new(name: String, kept: Option<Kept>) -> Shared {
        let copy = kept.as_ref().and_then(Kept::read);
        Shared {
            name,
            state: Mutex::new(State { copy, ..State::default() }),
            first: Condvar::new(),
            changed: OnceLock::new(),
            refresh: Notify::new(),
            kept,
            keep: Notify::new(),
        }
    }

    /// The source has answered.
    pub(crate) fn fetched(&self, fetched: Fetched) {
        let mut state = self.state();
        if state.failed.take().is_some() {
            tracing::info!("{}: the source answers again", self.name);
        }
        state.confirmed = Some(Instant::now());
        let is_news = match fetched {
            Fetched::Text(text) if state.latest.as_ref() != Some(&text) => {
                state.latest = Some(text);
                true
            }
            Fetched::Text(_) | Fetched::Unchanged => false,
        };
        // Asked before a reader can see this text: `on_change` does not report a text that is there already.
        let changed = self.changed.get().filter(|_| is_news);
        drop(state);
        self.first.notify_all();
        if let Some(changed) = changed {
            changed();
        }
    }

    /// The source has not answered, or with something else than a text. Each cause is logged once.
    pub(crate) fn failed(&self, failure: &Failure) {
        let error =
            SourceError { name: self.name.clone(), message: failure.to_string(), help: failure.help.clone() };
        let mut state = self.state();
        let is_news = state.failed.as_ref() != Some(&error);
        let has_text = state.latest.is_some() || state.copy.is_some();
        let is_copy = state.latest.is_none();
        state.failed = Some(error);
        drop(state);
        self.first.notify_all();
        if is_news && has_text {
            let text = if is_copy { "the copy on disk is used" } else { "its last text stays" };
            tracing::warn!("{}: {failure}; {text}, and the source is asked again", self.name);
        }
    }

    /// Waits until the first question is answered, or has failed.
    pub(crate) fn wait_for_first(&self, patience: Duration) {
        let is_open = |state: &mut State| state.latest.is_none() && state.failed.is_none();
        let waited = self.first.wait_timeout_while(self.state(), patience, is_open);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn latest(&self) -> Result<SourceText, SourceError> {
        let state = self.state();
        state.latest.clone().ok_or_else(|| {
            let silent = || SourceError {
                name: self.name.clone(),
                message: "the source does not answer".to_owned(),
                help: None,
            };
            state.failed.clone().unwrap_or_else(silent)
        })
    }

    pub(crate) fn last_good(&self) -> Option<SourceText> {
        self.state().copy.as_ref().map(|copy| copy.text.clone())
    }

    /// This text is in force: it is kept if it is not the one on disk.
    pub(crate) fn accepted(&self, text: &SourceText) {
        let mut state = self.state();
        let is_kept = state.copy.as_ref().is_some_and(|copy| copy.text == *text);
        if self.kept.is_none() || is_kept {
            return;
        }
        let kept = KeptText { text: text.clone(), fetched: SystemTime::now() };
        state.copy = Some(kept.clone());
        state.to_keep = Some(kept);
        self.keep.notify_one();
    }

    /// Writes texts to disk as they come. It ends when it is dropped.
    pub(crate) async fn keep(&self) {
        loop {
            self.keep.notified().await;
            self.keep_now();
        }
    }

    /// Writes the text that waits to disk.
    pub(crate) fn keep_now(&self) {
        let Some(text) = self.state().to_keep.take() else { return };
        if let Some(Err(error)) = self.kept.as_ref().map(|kept| kept.write(&text)) {
            tracing::warn!("{}: the copy of the text cannot be written: {error}", self.name);
        }
    }

    /// Has `changed` called for each new text.
    pub(crate) fn on_change(&self, changed: Box<dyn Fn() + Send + Sync>) {
        // It is set once.
        let _ = self.changed.set(changed);
    }

    pub(crate) fn refresh(&self) {
        self.refresh.notify_one();
    }

    pub(crate) async fn refreshed(&self) {
        self.refresh.notified().await;
    }

    pub(crate) fn status(&self) -> SourceStatus {
        let state = self.state();
        let copy = state.copy.as_ref().filter(|_| state.latest.is_none());
        let text = state.latest.as_ref().or(copy.map(|copy| &copy.text));
        let age = match (state.confirmed, copy) {
            (Some(confirmed), _) => confirmed.elapsed(),
            (None, Some(copy)) => copy.fetched.elapsed().unwrap_or_default(),
            (None, None) => Duration::ZERO,
        };
        SourceStatus {
            name: self.name.clone(),
            version: text.map(|text| text.version.clone()),
            state: match (&state.latest, &state.failed) {
                (Some(_), None) => SourceState::Live,
                (Some(_), Some(_)) => SourceState::Lost,
                (None, _) => SourceState::Copy,
            },
            age,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
