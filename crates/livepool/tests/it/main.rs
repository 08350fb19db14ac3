//! The pool against a real PostgreSQL server.
#![allow(clippy::unwrap_used, reason = "functions that only tests call")]

mod edits;
mod fixture;
mod outages;
mod rotations;
mod upkeep;
