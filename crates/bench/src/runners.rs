//! The development runners, in turn, with the same program and the same command to build it.

mod fixture;
mod hotrun_alone;
mod project;
mod tool;

use std::{path::PathBuf, thread, time::Duration};

use clap::Args;
use conformance::Failed;
use serde_json::{Map, Value, json};

use crate::{
    output::progress,
    servers::visitors::Visitors,
    stats::{median, round, summary},
};

use self::{
    fixture::{Fixture, RestartTimes},
    project::Project,
    tool::Tool,
};

/// The pause between two edits without load, so that the old process has ended.
const PAUSE: Duration = Duration::from_millis(500);

/// The runners and the scope
#[derive(Args)]
pub(crate) struct Runners {
    /// Folder with the programs hotrun, watchexec, cargo-watch, bacon and air; a missing one is left out
    tools: PathBuf,
    /// Restarts by each tool, as many without load as under load
    #[arg(long, default_value_t = 20)]
    restarts: u32,
    /// Files of the tree beside which start, memory and watches are measured
    #[arg(long, default_value_t = 100_000)]
    files: u32,
}

/// Measures failed requests, the runner's own share of a restart, start, memory and watches of each tool in turn.
pub(crate) fn compare(how: &Runners) -> Result<Value, Failed> {
    let tools: Vec<Tool> = Tool::all(&how.tools);
    let mut results = Map::new();
    let mut first = None;
    for tool in &tools {
        let share = own_share(tool, how.restarts)?;
        let middle = median(share.clone());
        let first = *first.get_or_insert(middle);
        let figures = json!({
            "own_share_ms": summary(share),
            "own_share_times_the_first": round(middle / first),
            "under_load": under_load(tool, how.restarts)?,
            "large_tree": beside(tool, how.files)?,
        });
        results.insert(tool.name.to_owned(), figures);
    }
    if results.is_empty() {
        return Err(format!("no tool is in `{}`", how.tools.display()).into());
    }
    Ok(json!({
        "what": "one program on std alone, its address hard-coded, without graceful shutdown, built by one script. own_share_ms: from the end of a save \
                 to the first answer of the new version, less the script's time, less the program's from its `main` to that answer where it is alone; half a second between two edits. under_load: four clients that retry nothing, a connection a request",
        "runners": results,
        "hotrun_alone": hotrun_alone::measure(&how.tools, how.restarts)?,
    }))
}

fn own_share(tool: &Tool, restarts: u32) -> Result<Vec<f64>, Failed> {
    progress(&format!("runners: {restarts} restarts by {}, without load", tool.name));
    own_share_in(Fixture::open(tool, Project::One { files: 0 })?, restarts)
}

fn own_share_in(mut fixture: Fixture, restarts: u32) -> Result<Vec<f64>, Failed> {
    let passed: Result<Vec<Option<RestartTimes>>, Failed> = (1..=restarts)
        .map(|number| {
            thread::sleep(PAUSE);
            fixture.edit_and_wait(number)
        })
        .collect();
    Ok(passed?.iter().flatten().map(|passed| milliseconds(passed.own())).collect())
}

fn under_load(tool: &Tool, restarts: u32) -> Result<Value, Failed> {
    progress(&format!("runners: {restarts} restarts by {}, under load", tool.name));
    under_load_in(Fixture::open(tool, Project::One { files: 0 })?, restarts)
}

/// Four clients of each program.
fn under_load_in(mut fixture: Fixture, restarts: u32) -> Result<Value, Failed> {
    let visitors: Vec<Visitors> =
        fixture.addresses().iter().map(|address| Visitors::reconnecting(*address)).collect();
    let edited = (1..=restarts).try_for_each(|number| fixture.edit_and_wait(number).map(drop));
    let counts: Vec<_> = visitors.into_iter().map(Visitors::end).collect();
    edited?;
    Ok(json!({
        "restarts": restarts,
        "not_served": fixture.stuck(),
        "failed": counts.iter().map(|counts| counts.failed).sum::<u64>(),
        "answered": counts.iter().map(|counts| counts.answered).sum::<u64>(),
        "longest_silence_ms": counts.iter().map(|counts| milliseconds(counts.silence)).fold(0.0, f64::max),
    }))
}

fn beside(tool: &Tool, files: u32) -> Result<Value, Failed> {
    progress(&format!("runners: {} beside {files} files", tool.name));
    let mut fixture = Fixture::open(tool, Project::One { files })?;
    let start = fixture.start_to_build()?;
    // A runner that watches only after its first build watches when an edit is served.
    fixture.edit_and_wait(1)?;
    Ok(json!({
        "files": files,
        "start_to_build_ms": milliseconds(start),
        "memory_mb": fixture.memory_mb(),
        "watches": fixture.watches(),
    }))
}

fn milliseconds(duration: Duration) -> f64 {
    round(duration.as_secs_f64() * 1000.0)
}
