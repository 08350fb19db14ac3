//! Measurements of hotrun that have no counterpart in the other runners.

use std::{path::Path, thread};

use conformance::Failed;
use serde_json::{Value, json};

use crate::{output::progress, stats::summary};

use super::{
    PAUSE, fixture::Fixture, milliseconds, own_share_in, project::Project, tool::Tool, under_load_in,
};

const ONE: &str = "[build]\ncmd = \"./build.sh\"\nbin = \"target/debug/site\"\ninclude_ext = [\"rs\"]\n";

/// The same command, so it is one build.
const TWO: &str = "[run.a]\ncmd = \"./build.sh\"\nbin = \"target/debug/a\"\ninclude_ext = [\"rs\"]\n\
    [run.b]\ncmd = \"./build.sh\"\nbin = \"target/debug/b\"\ninclude_ext = [\"rs\"]\n";

/// hotrun owns the address before a server has bound it.
const WITH_ADDRESS: &str = "[build]\ncmd = \"./build.sh\"\nbin = \"target/debug/site\"\ninclude_ext = [\"rs\"]\n\
    [socket]\naddress = \"ADDRESS\"\n";

/// `null` without hotrun.
pub(crate) fn measure(tools: &Path, repetitions: u32) -> Result<Value, Failed> {
    let tool = |settings| Tool::hotrun(tools, settings);
    let (Some(one), Some(two), Some(with_address)) = (tool(ONE), tool(TWO), tool(WITH_ADDRESS)) else {
        return Ok(Value::Null);
    };
    progress(&format!("runners: {repetitions} restarts of two programs by hotrun, without load"));
    let own_share = own_share_in(Fixture::open(&two, Project::Two)?, repetitions)?;
    progress(&format!("runners: {repetitions} restarts of two programs by hotrun, under load"));
    let under_load = under_load_in(Fixture::open(&two, Project::Two)?, repetitions)?;
    Ok(json!({
        "what": "two_programs: as above, one build of both, until both serve the edit; four clients of each. \
                 env_to_served_ms: from the end of a save of .env to the first answer with the variable, with the program's start. \
                 failed_build_to_503_ms: from the end of the failed first build to the first answer 503",
        "two_programs": { "own_share_ms": summary(own_share), "under_load": under_load },
        "env_to_served_ms": summary(env_to_served(&one, repetitions)?),
        "failed_build_to_503_ms": summary(failed_build_to_503(&with_address, repetitions)?),
    }))
}

fn env_to_served(tool: &Tool, edits: u32) -> Result<Vec<f64>, Failed> {
    progress(&format!("runners: {edits} edits of .env"));
    let mut fixture = Fixture::open(tool, Project::One { files: 0 })?;
    let times = (1..=edits).map(|number| {
        thread::sleep(PAUSE);
        fixture.edit_env_and_wait(number).map(milliseconds)
    });
    times.collect()
}

fn failed_build_to_503(tool: &Tool, starts: u32) -> Result<Vec<f64>, Failed> {
    progress(&format!("runners: {starts} failed first builds"));
    let times = (0..starts).map(|_| Fixture::start(tool, Project::Broken)?.wait_for_503().map(milliseconds));
    times.collect()
}
