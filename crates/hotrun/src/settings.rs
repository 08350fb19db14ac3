//! Reads `.hotrun.toml` and `.air.toml`.

mod air;
mod air_file;
mod finding;
mod span;
mod table;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use globset::Glob;
use regex::Regex;
use toml_edit::Document;

use crate::error::Error;
use crate::plan::WantedMode;
use crate::settings::table::Table;
use crate::settings::value::{OneOrMore, RerunCommand};

#[cfg(test)]
pub(crate) use crate::settings::air::KEYS;
pub(crate) use crate::settings::finding::Finding;
pub(crate) use crate::settings::value::{Color, When};

/// Name of hotrun's settings file, at the root of the project.
pub(crate) const FILE: &str = ".hotrun.toml";

/// Paths of air's settings file, relative to the project. The first one is read if there is no [`FILE`].
pub(crate) const AIR_FILES: [&str; 2] = [".air.toml", ".config/air.toml"];

/// The values in the file. A key that is not there is `None` or empty; zero, an empty text and `false` are values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) root: Option<PathBuf>,
    pub(crate) tmp_dir: Option<PathBuf>,
    pub(crate) build: Build,
    pub(crate) socket: Socket,
    pub(crate) ready: Ready,
    pub(crate) probation: Option<Duration>,
    pub(crate) log_time: Option<bool>,
    pub(crate) color: Colors,
    pub(crate) clean_on_exit: Option<bool>,
}

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

/// `[socket]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Socket {
    pub(crate) address: Vec<SocketAddr>,
    pub(crate) way: Option<WantedMode>,
    pub(crate) drain: Option<Duration>,
}

/// `[ready]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ready {
    pub(crate) http: Option<String>,
    pub(crate) timeout: Option<Duration>,
}

/// `[color]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Colors {
    pub(crate) main: Option<Color>,
    pub(crate) watcher: Option<Color>,
    pub(crate) build: Option<Color>,
    pub(crate) runner: Option<Color>,
    pub(crate) mode: Option<When>,
}

impl Settings {
    /// Reads the file. Returns warnings about keys that have no effect, and notes about lines that are not followed.
    pub(crate) fn load(file: &Path) -> Result<(Self, Vec<String>, Vec<String>), Error> {
        let name = file.display();
        let text = fs::read_to_string(file).map_err(|error| match error.kind() {
            ErrorKind::IsADirectory => {
                Error::unfit(format!("`{name}` is a folder; expected a file of settings"))
            }
            ErrorKind::NotFound => Error::unfit(format!("`{name}` is not there; `hotrun init` writes one")),
            ErrorKind::InvalidData => Error::unfit(format!("`{name}` is not UTF-8 text")),
            _ => Error::unfit(format!("`{name}` cannot be read: {error}")),
        })?;
        let (mut settings, findings) = Self::parse(&text);
        let (errors, warnings): (Vec<_>, Vec<_>) = findings.into_iter().partition(|finding| finding.is_error);
        let in_words = |findings: Vec<Finding>| {
            findings.iter().map(|finding| finding.say(file, &text)).collect::<Vec<_>>()
        };
        if errors.is_empty() {
            let mut notes = Vec::new();
            if air_file::is_airs(file) {
                let removed = air_file::remove_workarounds(&mut settings.build);
                if !removed.is_empty() {
                    notes.push(format!(
                        "`{}` in air's file have no effect: without them hotrun loses no request and keeps the good server; copied to \
                         `{FILE}` they have",
                        removed.join("`, `")
                    ));
                }
            }
            Ok((settings, in_words(warnings), notes))
        } else {
            Err(Error::unfit(in_words(errors).join("\n")))
        }
    }

    /// The values in the text, and the findings about it, in the order of the text.
    pub(crate) fn parse(text: &str) -> (Self, Vec<Finding>) {
        let document = match Document::parse(text) {
            Ok(document) => document,
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                return (Self::default(), vec![Finding::error(at, error.message().replace('\n', ", "))]);
            }
        };
        let mut findings = Vec::new();
        let mut top = Table::of("", document.as_table());
        let settings = Self {
            root: top.take("root"),
            tmp_dir: top.take("tmp_dir"),
            build: Build::read(top.table("build"), &mut findings),
            socket: Socket::read(top.table("socket"), &mut findings),
            ready: Ready::read(top.table("ready"), &mut findings),
            probation: top.table("probation").only("time", &mut findings),
            log_time: top.table("log").only("time", &mut findings),
            color: Colors::read(top.table("color"), &mut findings),
            clean_on_exit: top.table("misc").only("clean_on_exit", &mut findings),
        };
        top.finish(&mut findings);
        findings.sort_by_key(|finding| finding.at);
        (settings, findings)
    }
}

impl Build {
    fn read(mut table: Table<'_>, findings: &mut Vec<Finding>) -> Self {
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

impl Socket {
    fn read(mut table: Table<'_>, findings: &mut Vec<Finding>) -> Self {
        let socket = Self {
            address: table.take("address").map_or_else(Vec::new, |OneOrMore(addresses)| addresses),
            way: table.take("way"),
            drain: table.take("drain"),
        };
        table.finish(findings);
        socket
    }
}

impl Ready {
    fn read(mut table: Table<'_>, findings: &mut Vec<Finding>) -> Self {
        let ready = Self { http: table.take("http"), timeout: table.take("timeout") };
        table.finish(findings);
        ready
    }
}

impl Colors {
    fn read(mut table: Table<'_>, findings: &mut Vec<Finding>) -> Self {
        let colors = Self {
            main: table.take("main"),
            watcher: table.take("watcher"),
            build: table.take("build"),
            runner: table.take("runner"),
            mode: table.take("mode"),
        };
        // A key of air's that has no effect there.
        let _: Option<String> = table.take("app");
        table.finish(findings);
        colors
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
