//! The process of a build.

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::plan::{Build, How};
use crate::report::Report;

/// The command of the build. `env` are variables besides those of the settings.
pub(super) fn command(build: &Build, env: &[(OsString, OsString)], report: &Report) -> Command {
    let command = match &build.how {
        How::Cargo { arguments, target, .. } => {
            let mut command = Command::new("cargo");
            let (first, rest) = arguments.split_first().map_or(("build", &[][..]), |(one, rest)| (one, rest));
            command.arg(first).arg("--message-format=json-render-diagnostics");
            if let Some(target) = target {
                command.arg("--target-dir").arg(target);
            }
            command.args(rest);
            command
        }
        How::Shell(line) => {
            let mut command = Command::new("/bin/sh");
            command.arg("-c").arg(line);
            command
        }
        How::Nothing => Command::new("/bin/true"),
    };
    let mut command = with_lines_before(&build.before, command);
    for (name, _) in env::vars_os().filter(|(name, _)| is_of_an_outer_cargo(name)) {
        command.env_remove(name);
    }
    for name in ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET"] {
        command.env_remove(name);
    }
    if io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    if report.has_status_line() {
        command.env("CARGO_TERM_PROGRESS_WHEN", "always");
        // With room for the count.
        command.env("CARGO_TERM_PROGRESS_WIDTH", "80");
    }
    command.envs(env.iter().map(|(name, value)| (name, value)));
    command.envs(build.env.iter().map(|(name, value)| (name, value)));
    command.current_dir(&build.dir).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The command, after these lines for the shell, each in a subshell: `sh -c '(LINE) && exec "$0" "$@"' COMMAND ARGUMENTS`.
fn with_lines_before(lines: &[String], command: Command) -> Command {
    if lines.is_empty() {
        return command;
    }
    let before: String = lines.iter().map(|line| ["(", line, "\n) && "].concat()).collect();
    let mut all = Command::new("/bin/sh");
    all.arg("-c").arg(before + "exec \"$0\" \"$@\"").arg(command.get_program()).args(command.get_args());
    all
}

/// True if cargo has set the variable for hotrun itself, as `cargo run -p hotrun` does. A build must not see it.
fn is_of_an_outer_cargo(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}
