//! The real program, as a visitor and a shell see it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod browsing;
mod export;
mod page;
mod programs;
mod showing;
