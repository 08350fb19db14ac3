//! Tests of the real program.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test that cannot go on says where, or why")]

mod browsing;
mod counterparts;
mod ending;
mod export;
mod page;
mod programs;
mod showing;
mod torn;
