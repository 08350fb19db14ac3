//! `[[build.rules]]`.

use std::path::PathBuf;
use std::time::Duration;

use regex::Regex;

use crate::settings::finding::Finding;
use crate::settings::table::Table;

/// Files that a command handles instead of a build.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rule {
    pub(crate) name: Option<String>,
    pub(crate) cmd: String,
    pub(crate) include_dir: Vec<PathBuf>,
    pub(crate) include_ext: Vec<String>,
    pub(crate) include_file: Vec<PathBuf>,
    pub(crate) exclude_regex: Vec<Regex>,
    pub(crate) delay: Option<Duration>,
}

impl Rule {
    /// Like in air, a rule needs a command and at least one of `include_dir`, `include_ext` and `include_file`.
    pub(super) fn read(mut table: Table<'_>, findings: &mut Vec<Finding>) -> Self {
        let rule = Self {
            name: table.take("name"),
            cmd: table.take::<String>("cmd").unwrap_or_default(),
            include_dir: table.take("include_dir").unwrap_or_default(),
            include_ext: table.take("include_ext").unwrap_or_default(),
            include_file: table.take("include_file").unwrap_or_default(),
            exclude_regex: table.take("exclude_regex").unwrap_or_default(),
            delay: table.take("delay"),
        };
        if rule.cmd.trim().is_empty() {
            table.refuse("has no `cmd`; expected a command such as \"templ generate\"");
        } else if rule.include_dir.is_empty() && rule.include_ext.is_empty() && rule.include_file.is_empty() {
            table.refuse("names no files; expected `include_ext`, `include_dir` or `include_file`");
        }
        table.finish(findings);
        rule
    }
}
