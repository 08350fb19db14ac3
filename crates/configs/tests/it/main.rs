//! The claims of `configs`, checked from outside with real files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod any_type;
mod bad_input;
mod consumers;
mod desk;
mod formats;
mod history;
mod layers;
mod reloading;
mod remote;
mod run_time;
mod schema;
mod secrets;
mod warnings;
