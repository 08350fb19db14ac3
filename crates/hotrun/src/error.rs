//! An error that ends hotrun, with its exit status.

/// A sentence for the user, and the exit status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub(crate) struct Error {
    /// 1: wrong settings, or a project that cannot be run. 2: wrong usage. 3: another program holds the port. 4: no hotrun runs here.
    pub(crate) status: u8,
    /// The error, its place, the expected value, and a way out.
    pub(crate) words: String,
}

impl Error {
    /// Wrong settings, or a project that cannot be run: status 1.
    pub(crate) fn unfit(words: impl Into<String>) -> Self {
        Self { status: 1, words: words.into() }
    }

    /// Wrong usage: status 2.
    pub(crate) fn usage(words: impl Into<String>) -> Self {
        Self { status: 2, words: words.into() }
    }

    /// A request to a hotrun, and none runs here: status 4.
    pub(crate) fn absent(words: impl Into<String>) -> Self {
        Self { status: 4, words: words.into() }
    }

    /// A port that another program holds: status 3.
    pub(crate) fn held(words: impl Into<String>) -> Self {
        Self { status: 3, words: words.into() }
    }
}
