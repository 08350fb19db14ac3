//! How long after a save `filewatch` publishes it, and how that grows.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command},
};

use clap::Args;
use conformance::Failed;
use serde_json::{Value, json};

use crate::{
    progress,
    saves::{How, Saves},
    spread, storm,
    text::Text,
    torture::load,
};

/// What to measure with.
#[derive(Args)]
pub(crate) struct Watching {
    /// The program that follows a file: `filewatch`'s example `follow`
    follow: PathBuf,
    /// Saves of each kind
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

/// Files in a folder that is followed, of which one is saved.
const CROWDS: [usize; 4] = [1, 10, 100, 1000];

/// From just before the call that makes a save whole, in microseconds.
pub(crate) fn end_of_save_to_published(watching: &Watching) -> Result<Value, Failed> {
    let mut rows = Vec::new();
    for busy in [false, true] {
        let _hogs = if busy { hogs()? } else { Vec::new() };
        for (place, parent) in [("disk", &watching.disk), ("memory", &watching.memory)] {
            for (way, how) in [("in place", How::InPlace), ("by rename", How::ByRename)] {
                let latency = one(watching, parent, how, 4_000, watching.saves)?;
                let row = json!({"place": place, "how": way, "cores": if busy { "busy" } else { "idle" }, "load_average": load(), "microseconds": latency});
                progress(&row.to_string());
                rows.push(row);
            }
        }
    }
    let few = (watching.saves / 5).max(1);
    let mut sizes = Vec::new();
    for size in SIZES {
        let latency = one(watching, &watching.memory, How::ByRename, size, few)?;
        progress(&format!("{size} bytes: {latency}"));
        sizes.push(json!({"bytes": size, "microseconds": latency}));
    }
    let mut crowds = Vec::new();
    for files in CROWDS {
        let toll = storm::over_a_folder(&watching.follow, &watching.memory, files - 1, |folder| {
            saves(folder, How::ByRename, 1_000, few)
        })?;
        let latency = spread::summary(toll.delays);
        progress(&format!("{files} files: {latency}"));
        crowds.push(json!({"files": files, "microseconds": latency}));
    }
    Ok(json!({
        "what": "end of save to published, microseconds",
        "of_4_kB": rows,
        "by_size_in_memory": sizes,
        "one_of_a_folder_in_memory": crowds,
        "load_average_at_the_end": load(),
    }))
}

fn one(watching: &Watching, parent: &Path, how: How, size: usize, count: u64) -> Result<Value, Failed> {
    let toll = storm::over_a_file(&watching.follow, &[], parent, |folder| saves(folder, how, size, count))?;
    Ok(spread::summary(toll.delays))
}

/// Each save has time to be published before the next.
fn saves(folder: PathBuf, how: How, size: usize, count: u64) -> Saves {
    Saves { folder, what: Text::Lines, how, first: 1, count, gap: 0, pause: 0, rest_every: 1, size }
}

/// Busy loops, two for each core, ended when this is dropped.
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
