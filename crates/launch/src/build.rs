//! Which executable this is.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
};

/// Eight hexadecimal digits that differ from one build of the program to the next: made from the length of the
/// executable and the time it was written.
pub(crate) fn id() -> String {
    let mut hasher = DefaultHasher::new();
    if let Ok(executable) = lifecycle::executable().and_then(fs::metadata) {
        executable.len().hash(&mut hasher);
        executable.modified().ok().hash(&mut hasher);
    }
    format!("{:08x}", hasher.finish() >> 32)
}
