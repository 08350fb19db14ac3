//! Runs a server while it is being written.

#![allow(dead_code, reason = "the skeleton")]

mod build;
mod check;
mod child;
mod cli;
mod drain;
mod generation;
mod guardian;
mod herald;
mod init;
mod inputs;
mod lend;
mod plan;
mod probe;
mod project;
mod proxy;
mod quiet;
mod reaper;
mod refusal;
mod report;
mod runner;
mod settings;
mod shelf;
mod socket;
mod sources;
mod supervisor;

use std::env;
use std::process::ExitCode;

use crate::cli::What;
use crate::refusal::Refusal;
use crate::report::Report;

fn main() -> ExitCode {
    let persona = env::args_os().nth(1);
    match persona.as_deref().and_then(|name| name.to_str()) {
        Some(child::PERSONA) => return child::main(),
        Some(guardian::PERSONA) => return guardian::main(),
        _ => {}
    }
    match act() {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            Report::plain().refused(&refusal);
            ExitCode::from(refusal.status)
        }
    }
}

fn act() -> Result<(), Refusal> {
    let cli = cli::parse();
    match cli.what {
        Some(What::Init) => init::init(&cli),
        Some(What::Check { .. }) => check::check(&cli),
        None => runner::run(plan::plan(&cli)?),
    }
}
