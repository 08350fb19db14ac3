//! The answer of a source.

use configs::SourceText;

/// The answer of a source.
pub(crate) enum Fetched {
    /// A whole text. It may be equal to the one before.
    Text(SourceText),
    /// The text is the one before.
    Unchanged,
}

/// Upper bound on the size of all documents of a source together, in bytes. It is that of a file.
pub(crate) const MAX_TEXT: usize = 1024 * 1024;
