//! The texts of the sources, from one attempt to the next.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::canary::Variant;
use crate::diagnosis::Diagnosis;
use crate::loader::Parts;
use crate::source::{Source, SourceStatus, SourceText};

/// The sources, and what the attempts have taken from them.
pub(crate) struct Rollout {
    sources: Vec<Arc<dyn Source>>,
    state: Mutex<State>,
    /// A source has another text since the last attempt began.
    changed: Arc<AtomicBool>,
}

#[derive(Default)]
struct State {
    /// The texts that the attempt under way has taken.
    parts: Parts,
    /// True if a source asked for the attempt under way.
    by_source: bool,
    /// Why the attempt under way was repeated without its canary.
    refused: Option<Diagnosis>,
    /// The message of the rejected canary that was told last: it is told once.
    told: Option<String>,
    variant: Variant,
    /// The versions of the texts in force.
    versions: Vec<String>,
}

/// The part of a decision that concerns the sources.
pub(crate) struct Decided {
    /// Why the canary was rejected, if that is new.
    pub(crate) refused: Option<Diagnosis>,
    /// True if a canary is part of the configuration that was judged.
    pub(crate) is_canary: bool,
    /// True if a source asked for the attempt.
    pub(crate) by_source: bool,
}

impl Rollout {
    pub(crate) fn new(sources: Vec<Arc<dyn Source>>) -> Rollout {
        Rollout { sources, state: Mutex::default(), changed: Arc::default() }
    }

    /// An attempt begins.
    pub(crate) fn begin(&self) {
        let mut state = self.state();
        state.refused = None;
        state.by_source = self.changed.swap(false, Ordering::Relaxed);
    }

    /// The attempt under way has taken this.
    pub(crate) fn take(&self, parts: Parts) {
        self.state().parts = parts;
    }

    /// True if the attempt under way contains a canary.
    pub(crate) fn has_canary(&self) -> bool {
        self.state().parts.has_canary
    }

    /// True if a source has kept a text from before.
    pub(crate) fn has_last_good(&self) -> bool {
        self.sources.iter().any(|source| source.last_good().is_some())
    }

    /// The attempt failed with its canary. It is repeated without.
    pub(crate) fn refuse(&self, diagnosis: Diagnosis) {
        self.state().refused = Some(diagnosis);
    }

    /// The attempt was decided. The sources are told of the texts that are in force.
    pub(crate) fn decide(&self, is_good: bool) -> Decided {
        let mut state = self.state();
        let is_canary = state.parts.has_canary;
        let by_source = std::mem::take(&mut state.by_source);
        let refused = state.refused.take().filter(|_| is_good);
        if !is_good {
            return Decided { refused, is_canary, by_source };
        }
        state.variant = match &refused {
            Some(_) => Variant::CanaryRejected,
            None if is_canary => Variant::Canary,
            None => Variant::Stable,
        };
        let message = refused.as_ref().map(Diagnosis::message);
        let is_news = message != state.told;
        state.told = message;
        let texts: Vec<SourceText> = state.parts.texts.clone();
        state.versions = texts.iter().map(|text| text.version.clone()).collect();
        drop(state);
        for (source, text) in self.sources.iter().zip(&texts) {
            source.accepted(text);
        }
        Decided { refused: refused.filter(|_| is_news), is_canary, by_source }
    }

    /// Follows the sources: `reload` is called for each new text, and at once if a text is already another than the one that
    /// was read.
    pub(crate) fn follow(&self, reload: impl Fn() + Clone + Send + Sync + 'static) {
        for source in &self.sources {
            let (changed, reload) = (Arc::clone(&self.changed), reload.clone());
            source.on_change(Box::new(move || {
                changed.store(true, Ordering::Relaxed);
                reload();
            }));
        }
        let read = self.state().parts.texts.clone();
        let differs = |(source, read): (&Arc<dyn Source>, &SourceText)| {
            source.latest().is_ok_and(|latest| latest != *read)
        };
        if self.sources.iter().zip(&read).any(differs) && !self.changed.swap(true, Ordering::Relaxed) {
            reload();
        }
    }

    pub(crate) fn refresh(&self) {
        self.sources.iter().for_each(|source| source.refresh());
    }

    pub(crate) fn variant(&self) -> Variant {
        self.state().variant
    }

    pub(crate) fn statuses(&self) -> Vec<SourceStatus> {
        let versions = self.state().versions.clone();
        let in_force = versions.into_iter().map(Some).chain(std::iter::repeat(None));
        let status = |(source, version): (&Arc<dyn Source>, _)| SourceStatus { version, ..source.status() };
        self.sources.iter().zip(in_force).map(status).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
