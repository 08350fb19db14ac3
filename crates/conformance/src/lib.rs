//! The contract of the demos as claims, which are checked against a real binary from outside.
//!
//! The whole test of a demo is one call:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     conformance::main("target/debug/demo-axum")
//! }
//! ```
//!
//! The parts that claims use can be used alone:
//!
//! ```no_run
//! use conformance::Server;
//!
//! let server = Server::new("target/debug/demo-axum").start()?;
//! server.edit("feature_flag_a: true", "feature_flag_a: false")?;
//! server.wait_for_generation(2)?;
//! assert!(server.get("/dynamic-config")?.text().contains(r#""feature_flag_a":false"#));
//! # Ok::<(), conformance::Failed>(())
//! ```
//!
//! **The invariant.** A claim waits for conditions, never for time. Every server that a claim has started ends with the claim.
//! Each claim has its own folder, socket and process, so that all of them can run at once.
//!
//! **Limits.** It depends on none of our crates and sees a server as a visitor, an editor or a supervisor does. It measures
//! nothing.
//!
//! **Tiers.** Without `TEST_TIER=full` the long claims are left out, and claims about shared code are checked against demo-axum
//! alone. Claims about the page in a browser need `chromium` and `chromedriver`. If these are missing, the claims are reported
//! as ignored; with `REQUIRE_ALL=1` they fail.

mod answer;
mod browser;
mod cases;
mod claim;
mod client;
mod demo_programs;
mod etcd;
mod events;
mod exit;
mod fixtures;
mod folder;
mod follower;
mod load;
mod load_clients;
mod log;
pub mod minimal;
mod notices;
mod own_address;
mod plugin_library;
mod postgres;
mod proof;
mod request;
mod running;
mod server;
mod tally;
mod target_load;
mod text_server;
mod tier;
mod upgrade_faults;
mod wait;

pub use answer::Answer;
pub use browser::Browser;
pub use claim::Demo;
pub use client::Client;
pub use demo_programs::folder_of_demos;
pub use etcd::{Certificate, Etcd};
pub use events::{Events, Frame};
pub use exit::Exit;
pub use folder::{folder, folders_in};
pub use libtest_mimic::Failed;
pub use load::Load;
pub use log::Log;
pub use notices::Notices;
pub use own_address::{free_address, own_address};
pub use postgres::Postgres;
pub use proof::{Action, Memory, Proof};
pub use request::Request;
pub use running::Running;
pub use server::Server;
pub use tally::{Outcome, Tally};
pub use text_server::{Behaviour, TextServer};
pub use tier::{installed, is_full, long_tier, skipped};
pub use wait::{DEADLINE, wait_for, wait_until};

use libtest_mimic::{Arguments, run};
use std::{path::PathBuf, process::ExitCode};

/// Claims that run at once. They mostly wait, so this is more than the number of cores.
const AT_ONCE: usize = 8;

/// Checks the claims of the contract against the server program at `binary`, with the command line of `cargo test`.
pub fn main(binary: impl Into<PathBuf>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(AT_ONCE));
    claim::keep_panic_messages();
    run(&arguments, cases::trials(&Demo::new(binary))).exit_code()
}
