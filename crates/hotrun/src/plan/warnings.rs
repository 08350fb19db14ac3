//! Finds what will fail at the start.

use std::ffi::OsString;
use std::path::Path;

use crate::plan::build::How;
use crate::plan::command_faults;
use crate::plan::command_line::{CommandLine, is_in_path};
use crate::plan::program::What;
use crate::plan::target::Target;

/// Commands of the shell itself, which are no programs in `PATH`.
const OF_THE_SHELL: [&str; 14] = [
    ".", ":", "cd", "command", "eval", "exec", "export", "if", "set", "source", "time", "trap", "ulimit",
    "while",
];

/// The folders in which the build and the program run, and the variables of both.
pub(super) struct Surroundings<'a> {
    pub(super) build_in: &'a Path,
    pub(super) run_in: &'a Path,
    pub(super) env: &'a [(OsString, OsString)],
    /// Edits of sources restart the program.
    pub(super) is_watched: bool,
}

/// `log` is absolute. Its folder is made if it lies below `tmp`.
pub(super) fn of(target: &Target, log: Option<&Path>, tmp: &Path, around: &Surroundings<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    if let How::Shell(line) = &target.how {
        warnings.extend(command_faults::of_build(line, around.build_in));
    }
    if let What::Shell(line) = &target.what {
        warnings.extend(command_faults::of_program(line, around.run_in, around.env, around.is_watched));
    }
    if let Some((line, runs)) = target.how.runs_the_program() {
        warnings.push(format!(
            "`build.cmd` is `{line}`: `{runs}` runs the program and does not end; expected a build such as `go build -o tmp/main .`"
        ));
    }
    if let Some(log) = log {
        let shown = log.display();
        let folder = log.parent().unwrap_or(log);
        if log.is_dir() {
            warnings.push(format!(
                "`build.log` is `{shown}`, which is a folder: nothing is logged; expected a file"
            ));
        } else if !log.starts_with(tmp) && !folder.is_dir() {
            warnings.push(format!(
                "`build.log` is `{shown}`: there is no folder `{}`, so nothing is logged; make it, or give a file in `tmp_dir`",
                folder.display()
            ));
        }
    }
    if let What::Shell(line) = &target.what
        && let Some(CommandLine { words, .. }) = CommandLine::parse(line)
        && let Some(word) = words.first().filter(|word| !word.contains('/'))
        && !is_in_path(word)
        && !OF_THE_SHELL.contains(&word.as_str())
    {
        warnings.push(format!(
            "the program is `{line}`: there is no `{word}` in `PATH`; install it, or give its path"
        ));
    }
    warnings
}
