//! `[build]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use globset::Glob;
use regex::Regex;

use crate::settings::commands::{Commands, PLATFORM};
use crate::settings::finding::Finding;
use crate::settings::rule::Rule;
use crate::settings::table::Table;
use crate::settings::value::RerunCommand;

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
    pub(crate) ignore_dangerous_root_dir: Option<bool>,
    pub(crate) follow_symlink: Option<bool>,
    pub(crate) poll: Option<bool>,
    pub(crate) poll_interval: Option<Duration>,
    pub(crate) rules: Vec<Rule>,
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
        let mut commands = Commands::read(&mut table);
        let mut platform = table.table(PLATFORM);
        if platform.is_there() {
            commands = Commands::read(&mut platform).over(commands);
        }
        platform.finish(findings);
        let rules = table.tables("rules").into_iter().map(|rule| Rule::read(rule, findings)).collect();
        let build = Self {
            cmd: commands.cmd,
            bin: commands.bin,
            full_bin: commands.full_bin,
            entrypoint: commands.entrypoint.unwrap_or_default(),
            pre_cmd: commands.pre_cmd.unwrap_or_default(),
            post_cmd: commands.post_cmd.unwrap_or_default(),
            args: commands.args.unwrap_or_default(),
            env: table.take("env").unwrap_or_default(),
            share_target: table.take("share_target"),
            include_ext: table.take("include_ext"),
            include_dir: table.take("include_dir").unwrap_or_default(),
            include_file: table.take("include_file").unwrap_or_default(),
            exclude_dir: table.take("exclude_dir"),
            exclude_file: table.take("exclude_file").unwrap_or_default(),
            exclude_regex: table.take("exclude_regex"),
            exclude_unchanged: table.take("exclude_unchanged"),
            ignore_dangerous_root_dir: table.take("ignore_dangerous_root_dir"),
            follow_symlink: table.take("follow_symlink"),
            poll: table.take("poll"),
            poll_interval: table.take("poll_interval"),
            rules,
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
