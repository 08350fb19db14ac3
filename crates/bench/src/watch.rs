//! The time from a save to its publication, by size, number of files and number of subscribers.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command},
};

use clap::Args;
use conformance::Failed;
use serde_json::{Value, json};

use crate::{
    output::progress,
    saves::{How, Saves},
    stats, storm,
    text::Text,
    torture::load,
};

/// The programs and the scope.
#[derive(Args)]
pub(crate) struct Watching {
    /// The program that follows a file or a folder: `filewatch`'s example `follow`
    follow: PathBuf,
    /// The program that follows a file with many subscribers: `configs`'s example `subscribers`
    #[arg(long)]
    subscribers: Option<PathBuf>,
    /// The program that follows a folder of templates: `views`'s example `pages`
    #[arg(long)]
    pages: Option<PathBuf>,
    /// Saves of each kind; of the many sizes and numbers a tenth of that
    #[arg(long, default_value_t = 1000)]
    saves: u64,
    /// A folder on a disk
    #[arg(long, default_value = ".")]
    disk: PathBuf,
    /// A folder in memory
    #[arg(long, default_value = "/dev/shm")]
    memory: PathBuf,
}

const SIZES: [usize; 6] = [1_000, 4_000, 16_000, 64_000, 256_000, 1_000_000];

/// The numbers of files in a followed folder; one of them is saved.
const CROWDS: [usize; 4] = [1, 10, 100, 1_000];

const AUDIENCES: [usize; 5] = [1, 10, 100, 1_000, 10_000];

/// A row of the measurement.
#[derive(Clone, Copy)]
struct Case<'a> {
    what: &'static str,
    program: &'a Path,
    parent: &'a Path,
    place: &'static str,
    how: How,
    bytes: usize,
    files: usize,
    subscribers: usize,
    saves: u64,
    /// The pause between two saves, in milliseconds. Each save is published before the next one.
    rest: u64,
}

/// Times from just before the call that completes a save, in microseconds. Each row is measured on idle cores, then on busy
/// ones.
pub(crate) fn end_of_save_to_published(watching: &Watching) -> Result<Value, Failed> {
    let mut rows = Vec::new();
    for cores in ["idle", "busy"] {
        let _hogs = if cores == "busy" { hogs()? } else { Vec::new() };
        for case in cases(watching) {
            let row = case.measure(cores)?;
            progress(&row.to_string());
            rows.push(row);
        }
    }
    Ok(json!({
        "what": "end of save to published (to subscribers: to the last one's hearing), microseconds",
        "cores": std::thread::available_parallelism().map_or(1, usize::from),
        "rows": rows,
        "load_average_at_the_end": load(),
    }))
}

fn cases(watching: &Watching) -> Vec<Case<'_>> {
    let usual = Case {
        what: "file",
        program: &watching.follow,
        parent: &watching.memory,
        place: "memory",
        how: How::ByRename,
        bytes: 4_000,
        files: 1,
        subscribers: 0,
        saves: watching.saves,
        rest: 25,
    };
    let few = Case { saves: (watching.saves / 10).max(1), rest: 100, ..usual };
    let mut cases = Vec::new();
    for (place, parent) in [("disk", &*watching.disk), ("memory", &*watching.memory)] {
        for how in [How::InPlace, How::ByRename] {
            cases.push(Case { parent, place, how, ..usual });
        }
    }
    cases.extend(SIZES.map(|bytes| Case { bytes, ..few }));
    cases.extend(CROWDS.map(|files| Case { what: "folder", bytes: 1_000, files, ..few }));
    if let Some(program) = &watching.pages {
        cases.extend(CROWDS.map(|files| Case { what: "templates", program, bytes: 1_000, files, ..few }));
    }
    if let Some(program) = &watching.subscribers {
        cases.extend(AUDIENCES.map(|subscribers| Case {
            what: "subscribers",
            program,
            bytes: 0,
            subscribers,
            ..few
        }));
    }
    cases
}

impl Case<'_> {
    fn measure(self, cores: &str) -> Result<Value, Failed> {
        let Case { what, program, parent, place, how, bytes, files, subscribers, saves, rest } = self;
        let save = |folder: PathBuf| {
            // Each save is published before the next one.
            Saves {
                folder,
                what: Text::Lines,
                how,
                first: 1,
                count: saves,
                gap: 0,
                pause: 0,
                rest_every: 1,
                rest,
                size: bytes,
            }
        };
        let count = subscribers.to_string();
        let verdict = match what {
            "folder" | "templates" => storm::over_a_folder(program, parent, files - 1, save)?,
            "subscribers" => storm::over_a_file(program, &[&count], parent, save)?,
            _ => storm::over_a_file(program, &[], parent, save)?,
        };
        Ok(json!({
            "what": what,
            "place": place,
            "how": if how == How::InPlace { "in place" } else { "by rename" },
            "bytes": bytes,
            "files": files,
            "subscribers": subscribers,
            "saves": saves,
            "cores": cores,
            "load_average": load(),
            "microseconds": stats::summary(verdict.delays),
        }))
    }
}

/// Two busy loops for each core. They end when this is dropped.
fn hogs() -> Result<Vec<Hog>, Failed> {
    let cores = std::thread::available_parallelism().map_or(1, Into::into);
    let hog = || Command::new("sh").args(["-c", "while :; do :; done"]).spawn().map(Hog);
    Ok((0..2 * cores).map(|_| hog()).collect::<Result<Vec<_>, _>>()?)
}

struct Hog(Child);

impl Drop for Hog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
