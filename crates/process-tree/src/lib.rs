//! Ends the processes that a program has left. Linux only: elsewhere this crate is empty.
//!
//! [`sweep`] kills every descendant of this process, and the orphans that come to it, until there is none. A [`ProcessTree`] is
//! one program among them: it can be signalled, waited for and ended, with every process that it has started. A [`Watchdog`]
//! kills these programs if this process itself is killed.
//!
//! With the feature `contained`, a program runs its work in a process of its own. No process and no temporary file outlives the
//! program, even if it is killed:
//!
//! ```no_run
//! # #[cfg(feature = "contained")] {
//! use process_tree::{Role, reaper, front, use_temp_folders};
//! use std::process::ExitCode;
//!
//! fn main() -> std::io::Result<ExitCode> {
//!     let mut words = std::env::args_os().collect();
//!     match Role::take_from(&mut words) {
//!         Role::Front => front(&words),
//!         Role::Reaper => reaper(&words, "example-"),
//!         Role::Worker(folder) => {
//!             use_temp_folders(&folder)?;
//!             // The work, which may start any process.
//!             Ok(ExitCode::SUCCESS)
//!         }
//!     }
//! }
//! # let _ = main;
//! # }
//! ```
#![cfg(target_os = "linux")]

#[cfg(feature = "contained")]
mod contained;
mod mark;
mod process_tree;
mod snapshot;
mod sweep;
#[cfg(feature = "contained")]
mod temp_folders;
mod watchdog;

#[cfg(feature = "contained")]
pub use contained::{Role, front, reaper};
pub use mark::{MARK, mark_prefix};
pub use process_tree::ProcessTree;
pub use sweep::{STAYS, adopt_orphans, sweep};
#[cfg(feature = "contained")]
pub use temp_folders::{TempFolders, folder_in, use_temp_folders};
pub use watchdog::{WATCHDOG, Watchdog, watchdog};
