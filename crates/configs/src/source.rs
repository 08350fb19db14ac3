//! Configuration text from elsewhere than a file.

use std::sync::Arc;
use std::time::Duration;

use crate::format::Format;

/// Configuration text from elsewhere than a file, such as a key-value store. It is a layer among the files, and its text may be
/// in any of their formats.
///
/// A source fetches on a thread of its own, and is asked on the thread that watches the files: no method may block. All names
/// and messages are shown, so they hold no credentials.
pub trait Source: Send + Sync + 'static {
    /// The newest text. A source that was lost keeps its last one. An error says in one line why there was none so far.
    fn latest(&self) -> Result<SourceText, SourceError>;

    /// The text that was in force before a restart, if it was kept. It is used while [`latest`](Source::latest) has none, and at
    /// the start also if the newest one is rejected.
    fn last_good(&self) -> Option<SourceText>;

    /// Has `changed` called each time that [`latest`](Source::latest) has another answer. Called once.
    fn on_change(&self, changed: Box<dyn Fn() + Send + Sync>);

    /// Tells that this text is part of the configuration in force.
    fn accepted(&self, text: &SourceText);

    /// Asks for the newest text at once, without waiting for it.
    fn refresh(&self);

    /// The state of the connection.
    fn status(&self) -> SourceStatus;
}

/// One version of a source's text. It has no `Debug`, since it may hold a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceText {
    /// The version by the source's own counting. Another text has another version.
    pub version: String,
    /// The documents, a later one laid over the earlier ones.
    pub documents: Arc<[SourceDocument]>,
}

/// One document of a source. It has no `Debug`, since it may hold a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceDocument {
    /// The name in diagnoses, such as `etcd://127.0.0.1:2379/myapp/config.yaml`.
    pub name: String,
    /// The format.
    pub format: Format,
    /// The text, which should be UTF-8.
    pub text: Arc<[u8]>,
}

/// Why a source has no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceError {
    /// The name of the source.
    pub name: String,
    /// One line.
    pub message: String,
    /// The advice, if there is one.
    pub help: Option<String>,
}

/// The state of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceStatus {
    /// The name of the source: its address, without credentials.
    pub name: String,
    /// From a source: the version of its text. From [`Configs::sources`](crate::Configs::sources): that of the text in force.
    pub version: Option<String>,
    /// The way by which it got that text.
    pub state: SourceState,
    /// The time since the source has last confirmed that text.
    pub age: Duration,
}

/// The way by which a source got its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceState {
    /// It answers, and the text is its newest.
    Live,
    /// It does not answer. The text was its newest before.
    Lost,
    /// It has not answered since the start. The text was kept from before.
    Copy,
}

impl SourceState {
    /// `live`, `lost` or `copy`.
    pub fn as_str(self) -> &'static str {
        match self {
            SourceState::Live => "live",
            SourceState::Lost => "lost",
            SourceState::Copy => "copy",
        }
    }
}
