//! No process that a measurement has started outlives it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod ending;
mod measuring;
mod programs;
