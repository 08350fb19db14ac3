//! The site, seen by a framework.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod admission;
mod events;
mod folder;
mod history;
mod page;
