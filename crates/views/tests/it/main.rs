//! The claims of `views`, tested through its interface.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod faults;
mod folder;
mod following;
mod rendering;
mod runaways;
mod values;
