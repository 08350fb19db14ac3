//! Prints every published value of a file: `cargo run -p filewatch --example follow -- FILE [--omit STEP]... [--quiet MS]
//! [--looking]`. The files of a folder are published as one text.
//!
//! It prints one line for each value. The line has the time (nanoseconds since the epoch), the number of bytes, their digest
//! (FNV-1a, 64 bits), and the first line of the text. The reader of the lines decides whether a value had ever been saved. It
//! ends with its standard input.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use filewatch::{Files, Live, Notice, Options, ReadError, Step, TreeLimits};
use std::env;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const LIMIT: u64 = 16 << 20;

fn main() -> ExitCode {
    match follow(env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

fn follow(mut arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let path = arguments.next().ok_or("expected the path of a file")?;
    let mut watch = Options::default();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("expected a value after `{argument}`"));
        watch = match argument.as_str() {
            "--omit" => watch.omit(step(&value()?)?),
            "--quiet" => {
                watch.quiet(Duration::from_millis(value()?.parse().map_err(|_| "expected milliseconds")?))
            }
            "--looking" => watch.without_events(),
            other => return Err(format!("`{other}` is no flag")),
        };
    }
    let path = PathBuf::from(path);
    let is_folder = path.is_dir();
    let build = move |files: &mut Files<'_>, _: Option<&Arc<Arc<[u8]>>>| {
        if is_folder { read_all(files, &path).map(Some) } else { files.read(&path, LIMIT).map(Some) }
    };
    let notice = |notice: Notice<'_, Arc<[u8]>, ReadError>| match notice {
        Notice::Published { new, .. } => say(new),
        Notice::Rejected { error, .. } => println!("rejected {error}"),
        Notice::Degraded(fault) => eprintln!("{fault}"),
        Notice::Unchanged { .. } | Notice::Recovered(_) => {}
    };
    let live = Live::open(watch, build, notice).map_err(|error| error.to_string())?;
    say(&live.load());
    let ended = io::copy(&mut io::stdin(), &mut io::sink());
    drop(live);
    ended.map(drop).map_err(|error| error.to_string())
}

fn read_all(files: &mut Files<'_>, path: &Path) -> Result<Arc<[u8]>, ReadError> {
    let limits = TreeLimits { files: 10_000, file_bytes: LIMIT, total_bytes: 64 * LIMIT };
    let found = files.tree(path, limits, |_| true)?;
    Ok(found.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect())
}

fn step(name: &str) -> Result<Step, String> {
    Ok(match name {
        "patience" => Step::Patience,
        "two-looks" => Step::TwoLooks,
        "barrier" => Step::Barrier,
        "lock" => Step::Lock,
        "event-delay" => Step::EventDelay,
        "empty-rule" => Step::EmptyRule,
        other => {
            return Err(format!(
                "`{other}` is no step: expected patience, two-looks, lock, barrier, event-delay or empty-rule"
            ));
        }
    })
}

fn say(bytes: &[u8]) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let first = String::from_utf8_lossy(&first[..first.len().min(40)]).into_owned();
    // It fails when the pipe is closed. Then standard input ends as well.
    let _ = writeln!(io::stdout(), "{now} {} {:016x} {first}", bytes.len(), digest(bytes));
}

fn digest(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
