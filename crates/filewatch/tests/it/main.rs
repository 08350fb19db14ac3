//! The claims of `filewatch`, tested through its interface.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[cfg(all(target_os = "linux", not(feature = "notify")))]
mod backend_failure;
mod faults;
mod late_events;
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
mod workload;
