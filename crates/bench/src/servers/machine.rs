//! The machine and the time of a measurement.

use std::{fs, process::Command, thread};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{stats::round, torture::load};

/// The machine at the start of a measurement.
pub(crate) struct Machine {
    at: Timestamp,
    described: Value,
}

impl Machine {
    pub(crate) fn now() -> Machine {
        let described = json!({
            "processor": field("/proc/cpuinfo", "model name"),
            "cores": thread::available_parallelism().map_or(1, usize::from),
            "memory_gb": memory(),
            "kernel": fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
            "rustc": word("rustc", &["--version"], 1),
            "go": word("go", &["version"], 2).map(|version| version.trim_start_matches("go").to_owned()),
            "load_from": load_from(),
            "load_average": load(),
        });
        Machine { at: Timestamp::now(), described }
    }

    pub(crate) fn json(&self) -> Value {
        self.described.clone()
    }

    pub(crate) fn at(&self) -> String {
        self.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

fn load_from() -> String {
    let oha = word("oha", &["--version"], 1).unwrap_or_else(|| "is missing".to_owned());
    // It prints its version with the usage and exits with an error.
    let wrk = word("wrk", &["-v"], 1).unwrap_or_else(|| "is missing".to_owned());
    format!("wrk {wrk}, oha {oha}, on the same machine")
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn memory() -> Option<f64> {
    let kilobytes: f64 = field("/proc/meminfo", "MemTotal")?.trim_end_matches(" kB").parse().ok()?;
    Some(round((kilobytes / 1024.0 / 1024.0).round()))
}

/// A word of a program's first line.
fn word(program: &str, arguments: &[&str], index: usize) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    String::from_utf8_lossy(&output.stdout).split_whitespace().nth(index).map(str::to_owned)
}
