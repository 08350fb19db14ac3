//! One page that shows the demos side by side: `cargo run -p compare`.
//!
//! It starts the four demos, edits their files, and shows the answers, the source code and the figures that `just bench` has
//! recorded. It knows the demos by their programs and sources, not by their crates.
//!
//! No process and no temporary file outlives it, whatever ends it.

mod page;
mod progress;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use conformance::Failed;
#[cfg(target_os = "linux")]
use process_tree::{Role, front, reaper, use_temp_folders};

use crate::page::{Export, Page};
use crate::progress::progress;

/// Shows the demos side by side
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    page: Page,
}

#[derive(Subcommand)]
enum Command {
    /// Write the page as static files
    Export(Export),
}

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    let mut words = std::env::args_os().collect();
    let role = Role::take_from(&mut words);
    let cli = Cli::parse_from(&words);
    let ended = match role {
        Role::Front => front(&words),
        Role::Reaper => reaper(&words, "compare-"),
        Role::Worker(folder) => use_temp_folders(&folder).map(|memory| {
            conformance::folders_in(&memory);
            run(&cli)
        }),
    };
    ended.unwrap_or_else(|error| failed(&error.into()))
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    run(&Cli::parse())
}

fn run(cli: &Cli) -> ExitCode {
    let ended = match &cli.command {
        Some(Command::Export(export)) => page::export(export),
        None => page::show(&cli.page),
    };
    ended.map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS)
}

fn failed(error: &Failed) -> ExitCode {
    progress(error.message().unwrap_or("unknown"));
    ExitCode::FAILURE
}
