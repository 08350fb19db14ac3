//! The measurements of this repository: `just bench`, `just torture`, `just soak` and others.
//!
//! Every measurement starts real servers, compares them in turn within one run, and prints medians and ratios as JSON on
//! stdout. Progress goes to stderr. A measurement has no lower limit; only `torture` can fail.
//!
//! No process and no temporary file outlives a measurement, whatever ends it.

mod cpu;
mod follower;
mod idle;
mod latency;
mod live_parts;
mod output;
mod runners;
mod saves;
mod served;
mod servers;
mod settings;
mod soak;
mod stats;
mod storm;
mod text;
mod torture;
mod verdict;
mod watch;
mod workload;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use conformance::Failed;
use process_tree::{Role, front, reaper, use_temp_folders};

use crate::{
    live_parts::LiveParts,
    output::{progress, say},
    runners::Runners,
    saves::Saves,
    servers::Servers,
    settings::Settings,
    torture::Torture,
    watch::Watching,
};

/// Measures the demos, the libraries under them, and hotrun
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    measurement: Measurement,
}

#[derive(Subcommand)]
enum Measurement {
    /// From the end of a save to the first answer that carries it
    SaveToServed {
        /// The server's program
        binary: PathBuf,
        /// Saves of each kind
        #[arg(long, default_value_t = 1000)]
        saves: u32,
    },
    /// Requests that fail while the server is replaced, upgraded, moved and reloaded
    Soak {
        /// The server's program
        binary: PathBuf,
        /// Repetitions of each action
        #[arg(long, default_value_t = 200)]
        times: u32,
        /// Repetitions of each action without a linger, and of a plain restart
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
    /// The demos and their Go counterparts, in turn: the figures of the README and of the page
    Servers(Servers),
    /// The development runners, in turn: failed requests, own share, start, memory, watches
    Runners(Runners),
    /// From the end of a save to its publication, by `filewatch` alone, and how that grows
    Watch(Watching),
    /// The cost of an idle server
    Idle {
        /// The server's program
        binary: PathBuf,
        /// Seconds to watch
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Settings from files of each format and from etcd: time to served, memory, size
    Settings(Settings),
    /// The database pool, the plugin and the debug routes: in use, at a swap, and unused
    LiveParts(LiveParts),
    /// The writer of a storm
    #[command(hide = true)]
    Saves(Saves),
}

fn main() -> ExitCode {
    let mut words = std::env::args_os().collect();
    let role = Role::take_from(&mut words);
    let cli = Cli::parse_from(&words);
    let ended = match role {
        // The writer of a storm starts no process.
        Role::Front if matches!(cli.measurement, Measurement::Saves(_)) => return measure(cli.measurement),
        Role::Front => front(&words),
        Role::Reaper => reaper(&words, "bench-"),
        Role::Worker(folder) => use_temp_folders(&folder).map(|memory| {
            conformance::folders_in(&memory);
            measure(cli.measurement)
        }),
    };
    ended.unwrap_or_else(|error| failed(&error.into()))
}

fn measure(measurement: Measurement) -> ExitCode {
    let measured = match measurement {
        Measurement::SaveToServed { binary, saves } => latency::save_to_served(&binary, saves),
        Measurement::Soak { binary, times, linger, only: Some(action), .. } => {
            soak::of_one(&binary, &action, times, Duration::from_millis(linger))
        }
        Measurement::Soak { binary, times, control, peer, linger, only: None } => {
            soak::handovers(&binary, peer.as_deref(), times, control, Duration::from_millis(linger))
        }
        Measurement::Servers(servers) => servers::measure(&servers),
        Measurement::Torture(torture) => torture::torture(&torture),
        Measurement::Runners(runners) => runners::compare(&runners),
        Measurement::Watch(watching) => watch::end_of_save_to_published(&watching),
        Measurement::LiveParts(parts) => live_parts::measure(&parts),
        Measurement::Idle { binary, seconds } => idle::cost(&binary, seconds),
        Measurement::Settings(settings) => settings::measure(&settings),
        Measurement::Saves(saves) => match saves::write_versions(&saves) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(error) => Err(error.into()),
        },
    };
    match measured {
        Ok(figures) => {
            say(&format!("{figures:#}"));
            ExitCode::SUCCESS
        }
        Err(error) => failed(&error),
    }
}

fn failed(error: &Failed) -> ExitCode {
    progress(error.message().unwrap_or("unknown"));
    ExitCode::FAILURE
}
