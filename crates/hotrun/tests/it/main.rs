//! hotrun from outside: the real binary, real projects.

#![allow(clippy::unwrap_used, reason = "what cannot be tried has failed")]

mod air;
mod air_corpus;
mod air_keys;
mod bad_input;
mod builds;
mod check;
mod control;
mod environment;
mod go;
mod go_project;
mod handover;
mod init;
mod json;
mod kinds;
mod lending;
mod limits;
mod load;
mod only_hotrun;
mod outage;
mod plugin;
mod processes;
mod programs;
mod project;
mod proxy;
mod replacing;
mod rules;
mod servers;
mod settings;
mod silent_writer;
mod sources;
mod status_line;
mod terminal;
mod unchanged;
mod unix_sockets;
