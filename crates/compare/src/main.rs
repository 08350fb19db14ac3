//! The demos, side by side: seen with `cargo run -p compare`, measured with `just bench`.
//!
//! Every measurement starts real servers, compares within one run, in turn, and prints medians and ratios as JSON on
//! stdout; what it is doing goes to stderr.
//!
//! Nothing that a measurement has started outlives it, whatever ends it.
//!
//! It does not know how the demos are built inside. A figure that falls short is a figure; only `torture` can fail.

mod bench;
mod cpu;
mod follower;
mod idle;
#[cfg(target_os = "linux")]
mod keeper;
mod latency;
mod leftovers;
mod load;
mod page;
mod runners;
mod saves;
mod scratch;
mod served;
mod soak;
mod spread;
mod storm;
mod text;
mod toll;
mod torture;
mod watch;
mod weather;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use conformance::Failed;

use crate::{
    bench::Bench,
    page::{Export, Page},
    runners::Runners,
    saves::Saves,
    torture::Torture,
    watch::Watching,
};

/// Shows the demos side by side, or measures them
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    page: Page,
}

#[derive(Subcommand)]
enum What {
    /// Write the page as static files
    Export(Export),
    /// From the end of a save to the first answer that carries it
    SaveToServed {
        /// The server's program
        binary: PathBuf,
        /// Saves of each kind
        #[arg(long, default_value_t = 1000)]
        saves: u32,
    },
    /// CPU time per request, against a server that gives the same answers statically
    Cpu {
        /// The server's program
        binary: PathBuf,
        /// The program that serves `/dynamic-config` and `/` from the files of these names
        static_bytes: PathBuf,
        /// Rounds, each of every server in turn
        #[arg(long, default_value_t = 5)]
        rounds: u32,
        /// Seconds of load in a round
        #[arg(long, default_value_t = 3)]
        seconds: u64,
    },
    /// What becomes of requests while the server is replaced, upgraded, moved, reloaded
    Soak {
        /// The server's program
        binary: PathBuf,
        /// How often each is done
        #[arg(long, default_value_t = 200)]
        times: u32,
        /// How often each is done without a linger, and a plain restart
        #[arg(long, default_value_t = 20)]
        control: u32,
        /// Another server's program, upgraded and restarted under the same load
        #[arg(long)]
        peer: Option<PathBuf>,
        /// The linger, in milliseconds
        #[arg(long, default_value_t = 1500)]
        linger: u64,
        /// One action alone, with a linger alone: replacement, upgrade, moved_port, reload
        #[arg(long)]
        only: Option<String>,
    },
    /// A storm of saves: every value that is published must have been saved whole
    Torture(Torture),
    /// The demos and their Go counterparts, in turn: what the README and the page show
    Bench(Bench),
    /// The development runners, in turn: failed requests, own share, start, memory, watches
    Runners(Runners),
    /// From the end of a save to its publication, by `filewatch` alone, and how that grows
    Watch(Watching),
    /// What a server costs while nothing happens
    Idle {
        /// The server's program
        binary: PathBuf,
        /// How long to look
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// The writer of a storm
    #[command(hide = true)]
    Saves(Saves),
}

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use crate::keeper::Part;

    let mut words = std::env::args_os().collect();
    let part = Part::of(&mut words);
    let cli = Cli::parse_from(&words);
    match part {
        // It starts nothing.
        Part::Front if matches!(cli.what, Some(What::Saves(_))) => work(cli),
        Part::Front => keeper::front(&words),
        Part::Keeper => keeper::keeper(&words),
        Part::Worker(folder) => match scratch::work_in(&folder) {
            Ok(()) => work(cli),
            Err(error) => ended(Err(error.into())),
        },
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    work(Cli::parse())
}

fn work(cli: Cli) -> ExitCode {
    let Some(what) = cli.what else { return ended(page::show(&cli.page)) };
    let measured = match what {
        What::Export(to) => return ended(page::export(&to)),
        What::SaveToServed { binary, saves } => latency::save_to_served(&binary, saves),
        What::Cpu { binary, static_bytes, rounds, seconds } => {
            cpu::per_request(&binary, &static_bytes, rounds, seconds)
        }
        What::Soak { binary, times, linger, only: Some(action), .. } => {
            soak::of_one(&binary, &action, times, Duration::from_millis(linger))
        }
        What::Soak { binary, times, control, peer, linger, only: None } => {
            soak::handovers(&binary, peer.as_deref(), times, control, Duration::from_millis(linger))
        }
        What::Bench(how_much) => bench::everything(&how_much),
        What::Torture(how_much) => torture::torture(&how_much),
        What::Runners(how) => runners::compare(&how),
        What::Watch(watching) => watch::end_of_save_to_published(&watching),
        What::Idle { binary, seconds } => idle::cost(&binary, seconds),
        What::Saves(saves) => match saves::rage(&saves) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(error) => Err(error.into()),
        },
    };
    match measured {
        Ok(figures) => {
            say(&format!("{figures:#}"));
            ExitCode::SUCCESS
        }
        Err(failed) => ended(Err(failed)),
    }
}

fn ended(how: Result<(), Failed>) -> ExitCode {
    let Err(failed) = how else { return ExitCode::SUCCESS };
    progress(failed.message().unwrap_or("unknown"));
    ExitCode::FAILURE
}

#[allow(clippy::print_stdout, reason = "the figures are what the program is for")]
fn say(line: &str) {
    println!("{line}");
}

#[allow(clippy::print_stderr, reason = "progress is for the person who waits")]
fn progress(line: &str) {
    eprintln!("{line}");
}
