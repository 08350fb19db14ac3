//! `.hotrun.toml`, as data.

mod air;
mod finding;
mod table;
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

use crate::plan::WayWanted;
use crate::refusal::Refusal;
use crate::settings::table::Table;
use crate::settings::value::OneOrMore;

#[cfg(test)]
pub(crate) use crate::settings::air::KEYS;
pub(crate) use crate::settings::finding::Finding;
pub(crate) use crate::settings::value::{Color, When};

/// The file's name, at the root of the project.
pub(crate) const FILE: &str = ".hotrun.toml";

/// What the file says; `None` and empty where it says nothing. A value that is zero, empty or false is meant.
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
    pub(crate) way: Option<WayWanted>,
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
    /// Reads the file, and says what in it is of no use.
    pub(crate) fn load(file: &Path) -> Result<(Self, Vec<String>), Refusal> {
        let name = file.display();
        let text = fs::read_to_string(file).map_err(|error| match error.kind() {
            ErrorKind::IsADirectory => {
                Refusal::unfit(format!("`{name}` is a folder; expected a file of settings"))
            }
            ErrorKind::NotFound => Refusal::unfit(format!("`{name}` is not there; `hotrun init` writes one")),
            ErrorKind::InvalidData => Refusal::unfit(format!("`{name}` is not UTF-8 text")),
            _ => Refusal::unfit(format!("`{name}` cannot be read: {error}")),
        })?;
        let (settings, findings) = Self::parse(&text);
        let (errors, warnings): (Vec<_>, Vec<_>) = findings.into_iter().partition(|finding| finding.is_error);
        let said = |findings: Vec<Finding>| {
            findings.iter().map(|finding| finding.say(file, &text)).collect::<Vec<_>>()
        };
        if errors.is_empty() {
            Ok((settings, said(warnings)))
        } else {
            Err(Refusal::unfit(said(errors).join("\n")))
        }
    }

    /// What the text says, and what is wrong with it, in the order of the text.
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
        let build = Self {
            cmd: table.take("cmd"),
            bin: table.take("bin"),
            full_bin: table.take("full_bin"),
            args: table.take_either("args_bin", "args").unwrap_or_default(),
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
            rerun: table.take("rerun"),
            rerun_delay: table.take("rerun_delay"),
            rerun_cmd: table.take("rerun_cmd"),
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
        // air has it and makes no use of it.
        let _: Option<String> = table.take("app");
        table.finish(findings);
        colors
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::Settings;
    use crate::plan::WayWanted;

    fn findings(text: &str) -> Vec<String> {
        let (_, findings) = Settings::parse(text);
        findings.iter().map(|finding| finding.say(Path::new("f"), text)).collect()
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let (settings, findings) = Settings::parse(
            r#"
            root = "web"
            [build]
            cmd = "make"
            args_bin = ["--port", "80"]
            include_ext = [".rs", "html"]
            exclude_dir = ["assets/", "**/old"]
            exclude_regex = ['_test\.go$']
            delay = 20
            kill_delay = "1.5s"
            stop_on_error = true
            [build.env]
            RUST_LOG = "debug"
            [socket]
            address = ["127.0.0.1:8080", "[::1]:8080", "localhost:9090"]
            way = "bind"
            [probation]
            time = 0
            "#,
        );
        assert_eq!(findings, []);
        assert_eq!(settings.root.as_deref(), Some(Path::new("web")));
        assert_eq!(settings.build.args, ["--port", "80"]);
        assert_eq!(settings.build.exclude_dir.unwrap()[0].glob(), "assets");
        assert_eq!(settings.build.delay, Some(Duration::from_millis(20)));
        assert_eq!(settings.build.kill_delay, Some(Duration::from_millis(1500)));
        assert_eq!(settings.build.env["RUST_LOG"], "debug");
        assert_eq!(
            settings.socket.address.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["127.0.0.1:8080", "[::1]:8080", "127.0.0.1:9090"]
        );
        assert_eq!(settings.socket.way, Some(WayWanted::Bind));
        assert_eq!(settings.probation, Some(Duration::ZERO), "zero is meant");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place_and_what_was_expected() {
        for (text, expected) in [
            ("root = 1", "f:1:8: `root` is an integer; expected a path"),
            ("[build]\ncmd = true", "f:2:7: `build.cmd` is true or false; expected a string"),
            (
                "[build]\ndelay = \"soon\"",
                "f:2:9: `build.delay` is `soon`; expected milliseconds such as 500, or a time such as \"2s\"",
            ),
            (
                "[build]\ndelay = -1",
                "f:2:9: `build.delay` is -1; expected milliseconds such as 500, or a time such as \"2s\"",
            ),
            ("[build]\nrerun = \"yes\"", "f:2:9: `build.rerun` is a string; expected true or false"),
            (
                "[build]\ninclude_ext = \"rs\"",
                "f:2:15: `build.include_ext` is a string; expected a list of strings such as [\"one\", \"two\"]",
            ),
            (
                "[build]\ninclude_ext = [\"rs\",\n  7]",
                "f:3:3: `build.include_ext` holds an integer; expected a list of strings such as [\"one\", \"two\"]",
            ),
            (
                "[build]\nexclude_regex = [\"ok\", \"(\"]",
                "f:2:24: `build.exclude_regex` holds `(`: unclosed group; expected a list of regular expressions such as \
                 ['_test\\.go$']",
            ),
            (
                "[build]\nexclude_file = [\"[\"]",
                "f:2:17: `build.exclude_file` holds `[`: unclosed character class; missing ']'; expected a list of patterns \
                 such as [\"*_generated.rs\"]",
            ),
            (
                "[build]\nenv = { A = 1 }",
                "f:2:13: `build.env` holds an integer; expected a table of strings such as { RUST_LOG = \"debug\" }",
            ),
            (
                "[build]\nargs = []\nargs_bin = []",
                "f:2:1: `build.args` is another name of `build.args_bin`; keep one of them",
            ),
            (
                "[socket]\naddress = \"8080\"",
                "f:2:11: `socket.address` is `8080`; expected an address such as \"127.0.0.1:8080\", or a list of them",
            ),
            (
                "[socket]\naddress = \"127.0.0.1:0\"",
                "f:2:11: `socket.address` is `127.0.0.1:0`, whose port nobody would know; expected an address such as \
                 \"127.0.0.1:8080\", or a list of them",
            ),
            (
                "[socket]\nway = \"magic\"",
                "f:2:7: `socket.way` is `magic`; expected \"auto\", \"listen-fds\", \"bind\", \"proxy\", \"stop-first\" or \"none\"",
            ),
            (
                "build = 1",
                "f:1:9: `build` is an integer; expected a table: `[name]`, then a line for each key",
            ),
            (
                "[color]\nmain = \"mauve\"",
                "f:2:8: `color.main` is `mauve`; expected red, green, yellow, blue, magenta, cyan, white, or raw for no colour",
            ),
        ] {
            assert_eq!(findings(text), [expected], "{text}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once_in_the_order_of_the_file() {
        let found = findings("rot = 1\n[ready]\ntimeout = \"x\"\n[build]\ncmd = 1\nbim = 2\n");
        let places: Vec<&str> =
            found.iter().filter_map(|line| line.split_once(": `").map(|(place, _)| place)).collect();
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!(places, ["f:3:11", "f:5:7"]);
        assert!(
            found[0].starts_with("f:1:1: unknown key `rot` is ignored; did you mean `root`?"),
            "{found:?}"
        );
        assert!(
            found[3].starts_with("f:6:1: unknown key `build.bim` is ignored; did you mean `build.bin`?"),
            "{found:?}"
        );
    }

    #[test]
    fn what_is_no_toml_has_a_place_too() {
        for text in ["root = ", "root = \"a\"\nroot = \"b\"", "[build\ncmd = 1", "\u{0}"] {
            let found = findings(text);
            assert!(found.len() == 1 && found[0].starts_with("f:"), "{text:?}: {found:?}");
        }
    }
}
