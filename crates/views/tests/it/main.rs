//! What the templates promise, seen from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod faults;
mod folder;
mod following;
mod rendering;
mod runaways;
mod values;
