//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Runs a server while it is being written
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    /// Which of the project's programs to run
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) bin: Option<String>,
    /// The settings, instead of `.hotrun.toml`
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) what: Option<What>,
    /// Arguments of the program
    #[arg(last = true)]
    pub(crate) args: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Say what would be watched, built, run and owned, and what is wrong
    Check,
    /// Write `.hotrun.toml`
    Init,
}

pub(crate) fn parse() -> Cli {
    Cli::parse()
}
