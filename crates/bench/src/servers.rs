//! The four demos and their Go counterparts, measured in turn in one run: `just bench`.

mod aim;
mod aims;
mod builds;
mod events;
mod fixture;
mod growth;
mod latencies;
mod loads;
mod machine;
mod memory;
mod oha;
mod plot;
mod programs;
mod record;
mod restarts;
mod save_modes;
mod saved;
mod sizes;
mod sources;
mod started;
mod starts;
mod subject;
mod torn;
pub(crate) mod visitors;
pub(crate) mod wrk;

use std::{fs, path::PathBuf, time::Instant};

use clap::{Args, ValueEnum};
use conformance::Failed;
use serde_json::{Value, json};

use crate::{
    output::progress,
    servers::{
        machine::Machine,
        programs::Programs,
        record::{Figure, Record},
    },
};

/// The scope of a run.
#[derive(Args)]
pub(crate) struct Servers {
    #[command(flatten)]
    programs: Programs,
    /// Sections to measure; without it, all but the builds
    #[arg(long, value_delimiter = ',')]
    only: Vec<Section>,
    /// One round with short bursts and few clients: two minutes in all
    #[arg(long)]
    quick: bool,
    /// Rounds, each of every server in turn
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Seconds of load on one server in a round
    #[arg(long, default_value_t = 2)]
    seconds: u32,
    /// Restarts of each server
    #[arg(long, default_value_t = 20)]
    restarts: u32,
    /// The file of the results: figures of the same name are replaced; the plots are put beside it
    #[arg(long, default_value = "crates/bench/results/bench.json")]
    results: PathBuf,
}

/// A part of the run that can be measured alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Section {
    /// Lines, dependencies, binaries
    Size,
    /// Cold and incremental builds
    Build,
    /// From the start of a process to its first answer
    Start,
    /// Closed loops: requests a second, and processor time of each
    Load,
    /// An open loop: latency at a fixed rate
    Latency,
    /// Memory idle, after load, with many streams open
    Memory,
    /// End of a save to the first answer that carries it
    Saves,
    /// A storm of saves: torn values served
    Torn,
    /// Requests that fail while a server is restarted
    Restarts,
    /// Many keys, many subscribers
    Growth,
}

/// The scope of each section.
pub(crate) struct Scale {
    rounds: u32,
    seconds: u32,
    restarts: u32,
    connections: Vec<u32>,
    quick: bool,
}

/// Measures the sections, writes the results and draws the plots.
pub(crate) fn measure(bench: &Servers) -> Result<Value, Failed> {
    let scale = bench.scale();
    let mut record = Record::read(&bench.results)?;
    record.servers = subject::described(&bench.programs);
    let folder = bench.results.parent().ok_or("`--results` names no file")?;
    fs::create_dir_all(folder)?;
    let mut measured = Vec::new();
    for section in bench.sections() {
        let begun = Instant::now();
        progress(&format!("{section:?}"));
        let machine = Machine::now();
        let mut figures = section.figures(&bench.programs, &scale)?;
        for figure in &mut figures {
            figure.command = section.command(&scale);
            figure.machine = machine.json();
            figure.at = machine.at();
            figure.rounds = figure.rounds.or(Some(scale.rounds));
            plot::draw(folder, figure)?;
        }
        measured.extend(figures.iter().map(Figure::brief));
        record.replace(figures);
        record.aims = aims::judged(&record.figures);
        record.write(&bench.results)?;
        progress(&format!("{section:?} took {:.0} s", begun.elapsed().as_secs_f64()));
    }
    Ok(json!({
        "results": bench.results,
        "figures": measured,
        "aims": record.aims.iter().map(aim::Aim::brief).collect::<Vec<_>>(),
    }))
}

impl Servers {
    fn scale(&self) -> Scale {
        if self.quick {
            Scale { rounds: 1, seconds: 1, restarts: 2, connections: vec![64], quick: true }
        } else {
            let connections = vec![4, 64, 256];
            let Servers { rounds, seconds, restarts, .. } = *self;
            Scale { rounds, seconds, restarts, connections, quick: false }
        }
    }

    fn sections(&self) -> Vec<Section> {
        let all = Section::value_variants().iter().copied();
        if self.only.is_empty() {
            all.filter(|section| *section != Section::Build).collect()
        } else {
            all.filter(|section| self.only.contains(section)).collect()
        }
    }
}

impl Section {
    fn figures(self, programs: &Programs, scale: &Scale) -> Result<Vec<Figure>, Failed> {
        match self {
            Section::Size => sizes::figures(programs),
            Section::Build => builds::figures(scale),
            Section::Start => starts::figures(programs, scale),
            Section::Load => loads::figures(programs, scale),
            Section::Latency => latencies::figures(programs, scale),
            Section::Memory => memory::figures(programs, scale),
            Section::Saves => saved::figures(programs, scale),
            Section::Torn => torn::figures(programs, scale),
            Section::Restarts => restarts::figures(programs, scale),
            Section::Growth => growth::figures(programs, scale),
        }
    }

    fn command(self, scale: &Scale) -> String {
        let name = self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        if scale.quick { "just bench-quick".to_owned() } else { format!("just bench --only {name}") }
    }
}
