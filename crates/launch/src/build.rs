//! The id of this build.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
};

/// Eight hexadecimal digits, made from the length of the executable and the time at which it was written. Another build of the
/// program has others.
pub(crate) fn id() -> String {
    let mut hasher = DefaultHasher::new();
    if let Ok(executable) = lifecycle::executable().and_then(fs::metadata) {
        executable.len().hash(&mut hasher);
        executable.modified().ok().hash(&mut hasher);
    }
    format!("{:08x}", hasher.finish() >> 32)
}
