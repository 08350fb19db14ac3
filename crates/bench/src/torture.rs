//! The storms as a command. Every published value must be whole, and without each protecting step some are torn.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use conformance::Failed;
use serde_json::{Value, json};

use crate::{
    output::progress,
    served, storm,
    text::Text,
    verdict::Verdict,
    workload::{BY_RENAME, CUT, EMPTIED, HASTY, LARGE, USUAL, Workload},
};

/// The scope of a run.
#[derive(Args)]
pub(crate) struct Torture {
    /// The program that follows a file: `filewatch`'s example `follow`
    follow: PathBuf,
    /// A demo that is tested as well
    #[arg(long)]
    server: Option<PathBuf>,
    /// Saves in place, on the disk and in memory each
    #[arg(long, default_value_t = 40_000)]
    in_place: u64,
    /// Saves by rename, on the disk and in memory each
    #[arg(long, default_value_t = 30_000)]
    by_rename: u64,
    /// Saves in each harder storm, and in each run without a protecting step; of large files a twentieth of that
    #[arg(long, default_value_t = 5_000)]
    control: u64,
    /// A folder on a disk
    #[arg(long, default_value = ".")]
    disk: PathBuf,
    /// A folder in memory
    #[arg(long, default_value = "/dev/shm")]
    memory: PathBuf,
}

/// A negative control: one or more protecting steps are left out, in the workload that needs them most.
struct Control {
    name: &'static str,
    omitted: &'static [&'static str],
    workload: Workload,
    /// The effect of the missing step, and whether another step replaces it elsewhere.
    because: &'static str,
}

const CONTROLS: [Control; 7] = [
    Control {
        name: "without the events of the meantime",
        omitted: &["barrier"],
        workload: HASTY,
        because: "a save that begins between the event and the reading is read in one of its pauses: the two looks do not see it",
    },
    Control {
        name: "without waiting for the call that writes",
        omitted: &["lock"],
        workload: CUT,
        because: "what a call has changed can be read before its event comes: neither looks nor events show it",
    },
    Control {
        name: "without the rule for empty files",
        omitted: &["empty-rule"],
        workload: EMPTIED,
        because: "its writer has closed an empty file, and opens it again to write it",
    },
    Control {
        name: "without comparing size and times",
        omitted: &["two-looks"],
        workload: LARGE,
        because: "a large file is cut off while it is read, and the event of that comes too late; in small files the events do for both",
    },
    Control {
        name: "without waiting for the writer to be done",
        omitted: &["patience"],
        workload: USUAL,
        because: "a text is read between two of its writer's steps: nothing else keeps it for long",
    },
    Control {
        name: "reads when the writer has closed, no more",
        omitted: &["barrier", "empty-rule", "two-looks"],
        workload: USUAL,
        because: "the next save has begun",
    },
    Control {
        name: "reads at every event, no more",
        omitted: &["barrier", "empty-rule", "two-looks", "patience"],
        workload: USUAL,
        because: "this save has only begun",
    },
];

/// A control is a race, too. It is repeated until a value is torn, up to this number of times.
const ATTEMPTS: u32 = 10;

/// One line of the table.
struct Row {
    who: String,
    workload: &'static str,
    place: &'static str,
    figures: Value,
}

pub(crate) fn torture(torture: &Torture) -> Result<Value, Failed> {
    let mut rows = Vec::new();
    let mut unclean = Vec::new();
    for (place, parent) in [("disk", &torture.disk), ("memory", &torture.memory)] {
        let saves = [
            (USUAL, torture.in_place),
            (BY_RENAME, torture.by_rename),
            (HASTY, torture.control),
            (LARGE, torture.control),
            (CUT, torture.control),
            (EMPTIED, torture.control),
        ];
        for (workload, count) in saves.into_iter().filter(|(_, count)| *count > 0) {
            let verdict =
                storm::over_a_file(&torture.follow, &[], parent, |folder| workload.saves(folder, count))?;
            if !verdict.is_clean() {
                unclean.push(format!("filewatch alone, {place}, {}", workload.name));
            }
            tell(&mut rows, "all steps", place, workload.name, verdict.figures());
        }
        for control in CONTROLS.into_iter().filter(|_| torture.control > 0) {
            let verdict = control.run(&torture.follow, parent, torture.control)?;
            if verdict.torn == 0 {
                let name = control.name;
                unclean
                    .push(format!("{name}, {place}: nothing was torn, so the storm does not need that step"));
            }
            let mut figures = verdict.figures();
            figures["because"] = control.because.into();
            tell(&mut rows, control.name, place, control.workload.name, figures);
        }
        if let Some(server) = &torture.server {
            for (what, name) in
                [(Text::Layers, "a server's two layers"), (Text::Template, "a server's template")]
            {
                for (workload, count) in [(USUAL, torture.in_place), (BY_RENAME, torture.by_rename)] {
                    let verdict = served::over_a_server(server, parent, what, workload, count)?;
                    if !verdict.is_clean() {
                        unclean.push(format!("{name}, {place}, {}", workload.name));
                    }
                    tell(&mut rows, name, place, workload.name, verdict.figures());
                }
            }
        }
    }
    progress(&table(&rows));
    let rows: Vec<Value> = rows
        .into_iter()
        .map(|row| json!({"who": row.who, "storm": row.workload, "where": row.place, "figures": row.figures}))
        .collect();
    let figures = json!({"rows": rows, "unclean": unclean, "load_average": load(), "cores": cores()});
    if unclean.is_empty() {
        return Ok(figures);
    }
    progress(&format!("{figures:#}"));
    Err(format!("not clean: {}", unclean.join("; ")).into())
}

impl Control {
    fn run(&self, follow: &Path, parent: &Path, count: u64) -> Result<Verdict, Failed> {
        let flags: Vec<&str> = self.omitted.iter().flat_map(|step| ["--omit", step]).collect();
        let mut sum = Verdict::default();
        for _ in 0..ATTEMPTS {
            sum.add(storm::over_a_file(follow, &flags, parent, |folder| self.workload.saves(folder, count))?);
            if sum.torn > 0 {
                break;
            }
        }
        Ok(sum)
    }
}

fn tell(rows: &mut Vec<Row>, who: &str, place: &'static str, workload: &'static str, figures: Value) {
    progress(&format!("{who}, {place}, {workload}: {figures}"));
    rows.push(Row { who: who.to_owned(), workload, place, figures });
}

/// The rows as a table for the README.
fn table(rows: &[Row]) -> String {
    let mut lines = vec![
        "| | storm | where | saves | seen | torn | last one published |".to_owned(),
        "| --- | --- | --- | --: | --: | --: | --- |".to_owned(),
    ];
    for Row { who, workload, place, figures } in rows {
        let torn = figures["torn"].as_u64().unwrap_or(0)
            - figures["torn_while_the_writer_was_held_up"].as_u64().unwrap_or(0);
        let last = if figures["last_published"] == json!(true) { "yes" } else { "no" };
        lines.push(format!(
            "| {who} | {workload} | {place} | {} | {} | {torn} | {last} |",
            figures["saves"], figures["published"]
        ));
    }
    lines.join("\n")
}

/// The load average of the last minute, which affects every figure.
pub(crate) fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}
