//! The storm, as a command: whole values or none, and what happens without the steps that see to that.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use conformance::Failed;
use serde_json::{Value, json};

use crate::{
    progress,
    saves::{How, Saves, Text},
    served,
    storm::{self, Toll},
};

/// How much of it.
#[derive(Args)]
pub(crate) struct Torture {
    /// The program that follows a file: `filewatch`'s example `follow`
    follow: PathBuf,
    /// A demo, to be tortured as well
    #[arg(long)]
    server: Option<PathBuf>,
    /// Saves in place, on the disk and in memory each
    #[arg(long, default_value_t = 40_000)]
    in_place: u64,
    /// Saves by rename, on the disk and in memory each
    #[arg(long, default_value_t = 30_000)]
    by_rename: u64,
    /// Saves in place for each run in which a protecting step is left out
    #[arg(long, default_value_t = 5_000)]
    control: u64,
    /// A folder on a disk
    #[arg(long, default_value = ".")]
    disk: PathBuf,
    /// A folder in memory
    #[arg(long, default_value = "/dev/shm")]
    memory: PathBuf,
}

/// What is left out, and what that is called.
const CONTROLS: [(&str, &[&str]); 6] = [
    ("without the marker", &["barrier"]),
    ("without the rule for empty files", &["empty-rule"]),
    ("without comparing size and times", &["two-looks"]),
    ("without waiting for the writer to be done", &["patience"]),
    ("reads when the writer has closed, no more", &["barrier", "empty-rule", "two-looks"]),
    ("reads at every event, no more", &["barrier", "empty-rule", "two-looks", "patience"]),
];

/// One line of the table.
struct Row {
    who: String,
    place: &'static str,
    how: &'static str,
    figures: Value,
}

pub(crate) fn torture(torture: &Torture) -> Result<Value, Failed> {
    let mut rows = Vec::new();
    let mut unclean = Vec::new();
    for (place, parent) in [("disk", &torture.disk), ("memory", &torture.memory)] {
        for (how, name, count) in
            [(How::InPlace, "in place", torture.in_place), (How::ByRename, "by rename", torture.by_rename)]
        {
            let toll = alone(&torture.follow, &[], parent, how, count)?;
            if !toll.is_clean() {
                unclean.push(format!("filewatch alone, {place}, {name}"));
            }
            tell(&mut rows, "all steps", place, name, toll.figures());
        }
        for (name, omitted) in CONTROLS.into_iter().filter(|_| torture.control > 0) {
            let toll = alone(&torture.follow, omitted, parent, How::InPlace, torture.control)?;
            tell(&mut rows, name, place, "in place", toll.figures());
        }
        if let Some(server) = &torture.server {
            for (what, name) in
                [(Text::Layers, "a server's two layers"), (Text::Template, "a server's template")]
            {
                for (how, way, count) in [
                    (How::InPlace, "in place", torture.in_place),
                    (How::ByRename, "by rename", torture.by_rename),
                ] {
                    let toll = served::over_a_server(server, parent, what, how, count)?;
                    if !toll.is_clean() {
                        unclean.push(format!("{name}, {place}, {way}"));
                    }
                    tell(&mut rows, name, place, way, toll.figures());
                }
            }
        }
    }
    // The negative control: without any of the steps the same storm must tear.
    let tears = |row: &&Row| row.who.ends_with("no more") && row.figures["torn"].as_u64() > Some(0);
    if torture.control > 0 && rows.iter().filter(tears).count() == 0 {
        unclean.push("the storm tears nothing even without any protection: it proves nothing".to_owned());
    }
    progress(&table(&rows));
    let rows: Vec<Value> = rows
        .into_iter()
        .map(|row| json!({"who": row.who, "where": row.place, "how": row.how, "figures": row.figures}))
        .collect();
    let figures = json!({"rows": rows, "unclean": unclean, "load_average": load(), "cores": cores()});
    if unclean.is_empty() {
        return Ok(figures);
    }
    progress(&format!("{figures:#}"));
    Err(format!("not clean: {}", unclean.join("; ")).into())
}

fn alone(follow: &Path, omitted: &[&str], parent: &Path, how: How, count: u64) -> Result<Toll, Failed> {
    let flags: Vec<&str> = omitted.iter().flat_map(|step| ["--omit", step]).collect();
    storm::over_a_file(follow, &flags, parent, |folder| Saves {
        folder,
        what: Text::Lines,
        how,
        first: 1,
        count,
        gap: 200,
        pause: 600,
        rest_every: 100,
        size: 3500,
    })
}

fn tell(rows: &mut Vec<Row>, who: &str, place: &'static str, how: &'static str, figures: Value) {
    progress(&format!("{who}, {place}, {how}: {figures}"));
    rows.push(Row { who: who.to_owned(), place, how, figures });
}

/// For the README.
fn table(rows: &[Row]) -> String {
    let mut lines = vec![
        "| | where | saved | saves | seen | torn | last one published |".to_owned(),
        "| --- | --- | --- | --: | --: | --: | --- |".to_owned(),
    ];
    for Row { who, place, how, figures } in rows {
        let torn = figures["torn"].as_u64().unwrap_or(0)
            - figures["torn_while_the_writer_was_held_up"].as_u64().unwrap_or(0);
        let last = if figures["last_published"] == json!(true) { "yes" } else { "no" };
        lines.push(format!(
            "| {who} | {place} | {how} | {} | {} | {torn} | {last} |",
            figures["saves"], figures["published"]
        ));
    }
    lines.join("\n")
}

/// How busy the machine is, since that shows in every figure: of the last minute.
pub(crate) fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}
