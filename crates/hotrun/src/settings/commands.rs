//! The commands of `[build]`, and those of `[build.linux]`, which come before them.

use std::path::PathBuf;

use crate::settings::table::Table;
use crate::settings::value::{OneOrMore, Text};

/// The table below `[build]` for this system.
pub(super) const PLATFORM: &str = if cfg!(target_os = "macos") { "darwin" } else { "linux" };

/// The keys that a table for one system may have. `None` for a key that is not there.
#[derive(Debug, Default)]
pub(super) struct Commands {
    pub(super) pre_cmd: Option<Vec<String>>,
    pub(super) cmd: Option<String>,
    pub(super) post_cmd: Option<Vec<String>>,
    pub(super) bin: Option<PathBuf>,
    pub(super) entrypoint: Option<Vec<String>>,
    pub(super) full_bin: Option<String>,
    pub(super) args: Option<Vec<String>>,
}

impl Commands {
    pub(super) fn read(table: &mut Table<'_>) -> Self {
        Self {
            pre_cmd: table.take("pre_cmd").map(lines),
            cmd: table.take("cmd"),
            post_cmd: table.take("post_cmd").map(lines),
            bin: table.take("bin"),
            entrypoint: table.take("entrypoint").map(|OneOrMore(words)| words),
            full_bin: table.take("full_bin"),
            args: table.take_either("args_bin", "args").map(arguments),
        }
    }

    /// These, and `others` for keys that are missing here. Like in air, an empty text counts as missing, and an empty list does not.
    pub(super) fn over(self, others: Self) -> Self {
        let said = |text: &String| !text.is_empty();
        Self {
            pre_cmd: self.pre_cmd.or(others.pre_cmd),
            cmd: self.cmd.filter(said).or(others.cmd),
            post_cmd: self.post_cmd.or(others.post_cmd),
            bin: self.bin.filter(|bin| !bin.as_os_str().is_empty()).or(others.bin),
            entrypoint: self.entrypoint.or(others.entrypoint),
            full_bin: self.full_bin.filter(said).or(others.full_bin),
            args: self.args.or(others.args),
        }
    }
}

/// Command lines that are not empty.
fn lines(OneOrMore(mut lines): OneOrMore<String>) -> Vec<String> {
    lines.retain(|line| !line.trim().is_empty());
    lines
}

/// Many files have `args = [""]` for no arguments.
fn arguments(listed: Vec<Text>) -> Vec<String> {
    let listed: Vec<String> = listed.into_iter().map(|Text(text)| text).collect();
    if listed == [""] { Vec::new() } else { listed }
}
