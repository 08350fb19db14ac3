//! Every kind of bad configuration, at the start and as an edit.

use super::mistakes::{GOOD, Mistake, Put, table};
use crate::{
    Demo, Failed, Running,
    claim::{Verdict, trial},
};
use libtest_mimic::Trial;
use serde_json::Value;
use std::{fs, path::Path};

/// Two tests for each row.
pub(crate) fn trials(demo: &Demo) -> Vec<Trial> {
    let at_the_start = table().into_iter().map(|bad| {
        let demo = demo.clone();
        trial(&format!("rejections::ends_the_start::{}", bad.name), move || ends_the_start(&demo, &bad))
    });
    let as_an_edit = table().into_iter().map(|bad| {
        let demo = demo.clone();
        trial(&format!("rejections::as_an_edit_changes_nothing::{}", bad.name), move || {
            as_an_edit(&demo, &bad)
        })
    });
    at_the_start.chain(as_an_edit).collect()
}

fn ends_the_start(demo: &Demo, bad: &Mistake) -> Verdict {
    let server = demo.server().config(GOOD);
    let server = match &bad.put {
        Put::Bytes(bytes) => server.config(bytes.as_slice()),
        other => {
            other.at(&server.path("bad.yaml"))?;
            server.args("--config bad.yaml")
        }
    };
    let said = server.run()?.with_status(1)?.output();
    let file = if matches!(bad.put, Put::Bytes(_)) { "config.yaml" } else { "bad.yaml" };
    assert!(said.contains(file), "{file} in: {said}");
    for line in bad.lines {
        assert!(said.contains(&format!("{file}:{line}:")), "{file}:{line}: in: {said}");
    }
    bad.judge(&said);
    Ok(())
}

fn as_an_edit(demo: &Demo, bad: &Mistake) -> Verdict {
    let server = demo.server().config(GOOD).args("--log-format json").start()?;
    let before = server.get("/dynamic-config")?;
    let mut events = server.events()?;
    let quiet_lines = complaints(&server);

    bad.put.over(&server.path("config.yaml"), &server)?;
    let problem = events.event("problem")?;
    assert_eq!(problem.json()?["source"], "config", "{}", problem.raw);
    bad.judge(&problem.data);

    let after = server.get("/dynamic-config")?;
    assert_eq!(after.text(), before.text(), "the last good one stays");
    assert_eq!(after.generation(), Some(1));
    let attempts = server.history()?;
    assert_eq!(
        (attempts[0]["outcome"].as_str(), attempts[0]["generation"].as_u64()),
        (Some("rejected"), Some(1))
    );
    let error = &attempts[0]["error"];
    bad.judge(error["message"].as_str().unwrap_or_default());
    if let Some(line) = bad.lines.first() {
        assert_eq!(error["line"].as_u64(), Some(*line), "{error}");
        assert!(error["file"].as_str().is_some_and(|file| file.ends_with("config.yaml")), "{error}");
    }
    server.wait_for_metric("config_last_reload_successful", &[], 0)?;

    make_way(&server.path("config.yaml"))?;
    server.replace("config.yaml", GOOD)?;
    events.event("solved")?;
    assert_eq!(events.count("problem"), 1, "{:?}", events.seen);
    assert_eq!(events.count("config"), 0, "{:?}", events.seen);
    assert_eq!(server.attempts("rejected")?, 1, "exactly one entry");
    server.wait_for_metric("config_last_reload_successful", &[], 1)?;
    server.wait_for_metric("config_reloads_total", &[("source", "config"), ("outcome", "rejected")], 1)?;
    server.edit("refresh_interval_seconds: 5", "refresh_interval_seconds: 6")?;
    events.event("config")?;
    server.log().wait_for_log("a line of the rejection", |line| {
        level_of(line).is_some_and(|l| l == "WARN" || l == "ERROR")
    })?;
    assert_eq!(complaints(&server) - quiet_lines, 1, "one line:\n{}", server.log().text());
    bad.judge_hiding(&server.log().text());
    Ok(())
}

/// The number of log lines with a warning or an error.
fn complaints(server: &Running) -> usize {
    let lines = server.log().lines();
    lines.iter().filter_map(|line| level_of(line)).filter(|level| level == "WARN" || level == "ERROR").count()
}

fn level_of(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    Some(line["level"].as_str()?.to_owned())
}

/// Removes a folder, which a rename does not replace.
fn make_way(path: &Path) -> Result<(), Failed> {
    if path.is_dir() {
        fs::remove_dir(path)?;
    }
    Ok(())
}
