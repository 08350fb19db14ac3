//! `[build]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use globset::Glob;
use regex::Regex;

use crate::settings::finding::Finding;
use crate::settings::table::Table;
use crate::settings::value::{OneOrMore, RerunCommand};

/// `[build]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Build {
    pub(crate) cmd: Option<String>,
    pub(crate) bin: Option<PathBuf>,
    pub(crate) full_bin: Option<String>,
    pub(crate) entrypoint: Vec<String>,
    pub(crate) pre_cmd: Vec<String>,
    pub(crate) post_cmd: Vec<String>,
    pub(crate) args: Vec<String>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) share_target: Option<bool>,
    pub(crate) include_ext: Option<Vec<String>>,
    pub(crate) include_dir: Vec<PathBuf>,
    pub(crate) include_file: Vec<PathBuf>,
    pub(crate) exclude_dir: Option<Vec<Glob>>,
    pub(crate) exclude_file: Vec<Glob>,
    pub(crate) exclude_regex: Option<Vec<Regex>>,
    pub(crate) exclude_unchanged: Option<bool>,
    pub(crate) delay: Option<Duration>,
    pub(crate) stop_on_error: Option<bool>,
    pub(crate) log: Option<PathBuf>,
    pub(crate) send_interrupt: Option<bool>,
    pub(crate) kill_delay: Option<Duration>,
    pub(crate) rerun: Option<bool>,
    pub(crate) rerun_delay: Option<Duration>,
    pub(crate) rerun_cmd: Option<String>,
}

impl Build {
    pub(super) fn read(mut table: Table<'_>, findings: &mut Vec<Finding>) -> Self {
        let rerun_cmd: Option<RerunCommand> = table.take("rerun_cmd");
        let build = Self {
            cmd: table.take("cmd"),
            bin: table.take("bin"),
            full_bin: table.take("full_bin"),
            entrypoint: table.take("entrypoint").map_or_else(Vec::new, |OneOrMore(words)| words),
            pre_cmd: lines(table.take("pre_cmd")),
            post_cmd: lines(table.take("post_cmd")),
            args: arguments(table.take_either("args_bin", "args")),
            env: table.take("env").unwrap_or_default(),
            share_target: table.take("share_target"),
            include_ext: table.take("include_ext"),
            include_dir: table.take("include_dir").unwrap_or_default(),
            include_file: table.take("include_file").unwrap_or_default(),
            exclude_dir: table.take("exclude_dir"),
            exclude_file: table.take("exclude_file").unwrap_or_default(),
            exclude_regex: table.take("exclude_regex"),
            exclude_unchanged: table.take("exclude_unchanged"),
            delay: table.take("delay"),
            stop_on_error: table.take("stop_on_error"),
            log: table.take("log"),
            send_interrupt: table.take("send_interrupt"),
            kill_delay: table.take("kill_delay"),
            rerun: table.take("rerun").or(rerun_cmd.as_ref().and_then(RerunCommand::switch)),
            rerun_delay: table.take("rerun_delay"),
            rerun_cmd: rerun_cmd.and_then(RerunCommand::line),
        };
        table.finish(findings);
        build
    }
}

/// Command lines that are not empty.
fn lines(listed: Option<OneOrMore<String>>) -> Vec<String> {
    let mut lines = listed.map_or_else(Vec::new, |OneOrMore(lines)| lines);
    lines.retain(|line| !line.trim().is_empty());
    lines
}

/// Many files have `args = [""]` for no arguments.
fn arguments(listed: Option<Vec<String>>) -> Vec<String> {
    listed.filter(|listed| *listed != [""]).unwrap_or_default()
}
