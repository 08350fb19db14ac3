//! The id of this build.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::inherited::executable;

/// Eight hexadecimal digits, made from the length of the executable and the time at which it was written. Another build of the
/// program has others.
pub fn build_id() -> String {
    let mut hasher = DefaultHasher::new();
    if let Ok(executable) = executable().and_then(fs::metadata) {
        executable.len().hash(&mut hasher);
        executable.modified().ok().hash(&mut hasher);
    }
    format!("{:08x}", hasher.finish() >> 32)
}
