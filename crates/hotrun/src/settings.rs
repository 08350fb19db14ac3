//! Reads `.hotrun.toml` and `.air.toml`.

mod air;
mod air_file;
mod build;
mod commands;
mod finding;
mod rule;
mod run;
mod span;
mod table;
#[cfg(test)]
mod tests;
mod value;
mod wanted_mode;

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml_edit::{Document, Item};

use crate::error::Error;
use crate::settings::table::Table;
use crate::settings::value::OneOrMore;

#[cfg(test)]
pub(crate) use crate::settings::air::KEYS;
pub(crate) use crate::settings::build::Build;
pub(crate) use crate::settings::finding::Finding;
pub(crate) use crate::settings::rule::Rule;
pub(crate) use crate::settings::run::Run;
pub(crate) use crate::settings::value::color::{Color, When};
pub(crate) use crate::settings::wanted_mode::WantedMode;

/// Name of hotrun's settings file, at the root of the project.
pub(crate) const FILE: &str = ".hotrun.toml";

/// Paths of air's settings file, relative to the project. The first one is read if there is no [`FILE`].
pub(crate) const AIR_FILES: [&str; 2] = [".air.toml", ".config/air.toml"];

/// The values in the file. A key that is not there is `None` or empty; zero, an empty text and `false` are values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) root: Option<PathBuf>,
    pub(crate) tmp_dir: Option<PathBuf>,
    pub(crate) testdata_dir: Option<PathBuf>,
    pub(crate) env_files: Option<Vec<PathBuf>>,
    pub(crate) build: Build,
    pub(crate) socket: Socket,
    pub(crate) ready: Ready,
    pub(crate) probation: Option<Duration>,
    pub(crate) log: Log,
    pub(crate) screen: Screen,
    pub(crate) proxy: Proxy,
    pub(crate) color: Colors,
    pub(crate) clean_on_exit: Option<bool>,
    /// `[run.NAME]`: several programs.
    pub(crate) runs: Vec<Run>,
    /// The file is one of air's, by its name.
    pub(crate) is_airs: bool,
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

/// `[log]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    pub(crate) time: Option<bool>,
    pub(crate) main_only: Option<bool>,
    pub(crate) silent: Option<bool>,
    pub(crate) only_hotrun: Option<bool>,
}

/// `[screen]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Screen {
    pub(crate) clear_on_rebuild: Option<bool>,
    pub(crate) keep_scroll: Option<bool>,
}

/// `[proxy]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxy {
    pub(crate) enabled: Option<bool>,
    /// `proxy_port`.
    pub(crate) port: Option<u16>,
    pub(crate) app_port: Option<u16>,
    pub(crate) app_start_timeout: Option<Duration>,
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
            settings.is_airs = air_file::is_airs(file);
            if settings.is_airs && !settings.runs.is_empty() {
                return Err(Error::unfit(format!(
                    "{name}: `[run]` is unknown to air; write it into a `{FILE}`"
                )));
            }
            if settings.is_airs {
                air_file::replace_backslashes(&mut settings.tmp_dir, &mut settings.build);
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
        let mut build = top.table("build");
        let mut socket = top.table("socket");
        let rules = top.tables("rule").into_iter().map(|rule| Rule::read(rule, &mut findings));
        let rules: Vec<Rule> = rules.collect();
        let mut runs = Vec::new();
        // A file of air's may have a key of this name, which means nothing.
        if document.as_table().get("run").is_some_and(Item::is_table_like) {
            let table = top.table("run");
            if table.is_empty() {
                let words = "`run` names no program; expected a table for each, such as `[run.api]`";
                findings.push(Finding::error(top.place_of("run"), words));
            }
            if !rules.is_empty() {
                let words = "`rule` belongs to one program: write `[[run.NAME.rules]]`";
                findings.push(Finding::error(top.place_of("rule"), words));
            }
            build.refuse_keys(&run::OF_ONE_PROGRAM, "belongs to one program: move it to a `[run.NAME]`");
            socket.refuse_keys(&["address"], "is the port of one program: move it to a `[run.NAME.socket]`");
            runs = Run::read_all(table, document.as_table(), &mut findings);
        }
        let mut settings = Self {
            root: top.take("root"),
            tmp_dir: top.take("tmp_dir"),
            testdata_dir: top.take("testdata_dir"),
            env_files: top.take("env_files").map(|OneOrMore(files)| files),
            build: Build::read(build, &mut findings),
            socket: Socket::read(socket, &mut findings),
            ready: Ready::read(top.table("ready"), &mut findings),
            probation: top.table("probation").only("time", &mut findings),
            log: Log::read(top.table("log"), &mut findings),
            screen: Screen::read(top.table("screen"), &mut findings),
            proxy: Proxy::read(top.table("proxy"), &mut findings),
            color: Colors::read(top.table("color"), &mut findings),
            clean_on_exit: top.table("misc").only("clean_on_exit", &mut findings),
            runs,
            is_airs: false,
        };
        settings.build.rules.extend(rules);
        top.finish(&mut findings);
        findings.sort_by_key(|finding| finding.at);
        // A value that several programs share is read for each.
        findings.dedup();
        (settings, findings)
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

impl Log {
    fn read(mut table: Table<'_>, findings: &mut Vec<Finding>) -> Self {
        let log = Self {
            time: table.take("time"),
            main_only: table.take("main_only"),
            silent: table.take("silent"),
            only_hotrun: table.take("only_hotrun"),
        };
        table.finish(findings);
        log
    }
}

impl Screen {
    fn read(mut table: Table<'_>, findings: &mut Vec<Finding>) -> Self {
        let screen =
            Self { clear_on_rebuild: table.take("clear_on_rebuild"), keep_scroll: table.take("keep_scroll") };
        table.finish(findings);
        screen
    }
}

impl Proxy {
    fn read(mut table: Table<'_>, findings: &mut Vec<Finding>) -> Self {
        let proxy = Self {
            enabled: table.take("enabled"),
            port: table.take("proxy_port"),
            app_port: table.take("app_port"),
            app_start_timeout: table.take("app_start_timeout"),
        };
        if proxy.enabled == Some(true)
            && [proxy.port, proxy.app_port].map(Option::unwrap_or_default).contains(&0)
        {
            table.refuse(
                "is enabled, but it needs two ports; expected `proxy_port = 8090` and `app_port = 8080`",
            );
        }
        table.finish(findings);
        proxy
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
