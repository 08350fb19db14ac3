//! `[[build.rules]]`, or `[[rule]]`.

use std::path::PathBuf;
use std::time::Duration;

use regex::Regex;

use crate::settings::finding::Finding;
use crate::settings::table::Table;

/// Files that a command handles, instead of a build or before it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rule {
    pub(crate) name: Option<String>,
    pub(crate) cmd: String,
    pub(crate) include_dir: Vec<PathBuf>,
    pub(crate) include_ext: Vec<String>,
    pub(crate) include_file: Vec<PathBuf>,
    pub(crate) exclude_regex: Vec<Regex>,
    pub(crate) delay: Option<Duration>,
    /// The command is run before the build, not instead of it.
    pub(crate) before_build: Option<bool>,
}

impl Rule {
    /// Like in air, a rule needs a command, which may be empty here, and at least one of `include_dir`, `include_ext` and `include_file`.
    pub(super) fn read(mut table: Table<'_>, findings: &mut Vec<Finding>) -> Self {
        let cmd: Option<String> = table.take("cmd");
        let is_named = cmd.is_some();
        let rule = Self {
            name: table.take("name"),
            cmd: cmd.map(|cmd| if cmd.trim().is_empty() { String::new() } else { cmd }).unwrap_or_default(),
            include_dir: table.take("include_dir").unwrap_or_default(),
            include_ext: table.take("include_ext").unwrap_or_default(),
            include_file: table.take("include_file").unwrap_or_default(),
            exclude_regex: table.take("exclude_regex").unwrap_or_default(),
            delay: table.take("delay"),
            before_build: table.take("before_build"),
        };
        if !is_named || (rule.cmd.is_empty() && rule.before_build == Some(true)) {
            table.refuse("has no `cmd`; expected a command such as \"templ generate\"");
        } else if rule.include_dir.is_empty() && rule.include_ext.is_empty() && rule.include_file.is_empty() {
            table.refuse("names no files; expected `include_ext`, `include_dir` or `include_file`");
        }
        table.finish(findings);
        rule
    }
}
