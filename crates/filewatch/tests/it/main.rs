//! What `filewatch` promises, as seen by its users.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[cfg(all(target_os = "linux", not(feature = "notify")))]
mod deaths;
mod faults;
mod life;
mod programs;
mod readers;
mod saves;
mod start;
mod storm;
mod support;
mod together;
mod trees;
mod watcher;
mod weather;
