//! Builds the counterparts.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread::sleep,
    time::{Duration, Instant},
};

use conformance::Failed;

use super::demo::DEMOS;
use crate::progress::progress;

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../bench/peers/go");

/// The time limit of the build, with its downloads.
const LIMIT: Duration = Duration::from_mins(10);

/// The reason why the counterparts cannot be built, if any.
pub(crate) fn missing() -> Option<&'static str> {
    let paths = env::var_os("PATH").unwrap_or_default();
    if !env::split_paths(&paths).any(|folder| folder.join("go").is_file()) {
        return Some("Go is not installed, or not in `PATH`: see go.dev/doc/install.");
    }
    (!Path::new(SOURCES).is_dir())
        .then_some("The sources of the counterparts are not here: `crates/bench/peers/go`.")
}

/// Builds the counterparts into a folder and returns the paths of their programs, in the order of the demos. Gives up when
/// `is_ending` is true.
pub(crate) fn build(folder: &Path, is_ending: &AtomicBool) -> Result<Vec<PathBuf>, Failed> {
    progress("building the counterparts in Go");
    let log = folder.join("log");
    let mut go = Command::new("go");
    go.current_dir(SOURCES).arg("build").arg("-o").arg(folder.join("bin/"));
    go.args(DEMOS.iter().map(|demo| format!("./{}", demo.counterpart.program)));
    go.env("TMPDIR", tempfile::env::temp_dir());
    go.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?);
    let begun = Instant::now();
    let mut go = go.spawn().map_err(|e| format!("`go` cannot be started: {e}"))?;
    let ended = loop {
        if let Some(ended) = go.try_wait()? {
            break ended;
        }
        if is_ending.load(Ordering::Relaxed) || begun.elapsed() > LIMIT {
            go.kill()?;
            go.wait()?;
            return Err(format!("`go build` was ended after {:.0?}", begun.elapsed()).into());
        }
        sleep(Duration::from_millis(50));
    };
    if !ended.success() {
        return Err(format!("`go build` failed: {}", fs::read_to_string(&log)?.trim()).into());
    }
    Ok(DEMOS.iter().map(|demo| folder.join("bin").join(demo.counterpart.program)).collect())
}
