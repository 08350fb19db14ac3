//! What `filewatch` promises, as seen by its users.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[cfg(not(filewatch_elsewhere))]
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
