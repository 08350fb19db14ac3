//! What ends the program before or instead of running.

/// A sentence for the developer, with the exit status that goes with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub(crate) struct Refusal {
    /// 1: bad settings or what cannot be run; 2: usage; 3: the port is another program's.
    pub(crate) status: u8,
    /// One sentence: what, where, what was expected, what to do.
    pub(crate) words: String,
}

impl Refusal {
    /// Settings that are wrong, or a project that cannot be run.
    pub(crate) fn unfit(words: impl Into<String>) -> Self {
        Self { status: 1, words: words.into() }
    }

    /// A command line that makes no sense here.
    pub(crate) fn usage(words: impl Into<String>) -> Self {
        Self { status: 2, words: words.into() }
    }

    /// A port that another program holds.
    pub(crate) fn held(words: impl Into<String>) -> Self {
        Self { status: 3, words: words.into() }
    }
}
