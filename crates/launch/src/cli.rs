//! The command line.

use std::{
    ffi::OsString,
    io::{self, IsTerminal},
    path::PathBuf,
    time::Duration,
};

use clap::{
    ArgAction, CommandFactory, FromArgMatches, Parser,
    builder::{PossibleValuesParser, TypedValueParser},
};
use lifecycle::{DrainTimeouts, Format, fault};
use site::{Layer, UnknownKeys};

/// The version. A build with failpoints says so, since it is for tests alone.
const VERSION: &str = if fault::COMPILED_IN {
    concat!(env!("CARGO_PKG_VERSION"), " (failpoints: for tests only)")
} else {
    env!("CARGO_PKG_VERSION")
};

/// Serves one site whose settings and templates can be edited while it runs
#[derive(Debug, Parser)]
#[command(version = VERSION, max_term_width = 100)]
pub(crate) struct Cli {
    /// Configuration file (YAML, or JSON or TOML by its ending), URL or etcd://HOST:PORT/PREFIX/; a later one is laid over the
    /// earlier ones, key by key [env: DEMO_CONFIG, `:` between paths] [default: config.yaml, or .yml, .toml, .json, also in the folder config]
    #[arg(long, value_name = "PATH", action = ArgAction::Append)]
    pub(crate) config: Vec<PathBuf>,

    /// Name of this server among all that read the same source: it decides about canaries [default: the name of the host]
    #[cfg(feature = "remote")]
    #[arg(long, value_name = "NAME", env = "DEMO_NAME")]
    pub(crate) name: Option<String>,

    /// Folder for the last good texts of sources; empty: none is kept
    /// [default: $STATE_DIRECTORY, or demos in $XDG_STATE_HOME or ~/.local/state]
    #[cfg(feature = "remote")]
    #[arg(long, value_name = "DIR", env = "DEMO_KEEP_REMOTE")]
    keep_remote: Option<PathBuf>,

    /// Longest pause between two questions to a source, in seconds
    #[cfg(feature = "remote")]
    #[arg(long, value_name = "SECS", default_value = "5", value_parser = seconds)]
    pub(crate) poll_remote: Duration,

    /// Folder of Tera templates; `index.html` is the page
    #[arg(long, value_name = "DIR", env = "DEMO_TEMPLATES", default_value = "templates")]
    pub(crate) templates: PathBuf,

    /// Override one key by its dotted path: `--set settings.log_level=debug`
    #[arg(long, value_name = "KEY=VALUE", action = ArgAction::Append)]
    pub(crate) set: Vec<String>,

    /// The effect of an unknown key in a file; keys that begin with `x-` are always ignored
    #[arg(long, value_name = "HOW", env = "DEMO_UNKNOWN_KEYS", default_value = "deny", value_parser = unknown_keys())]
    pub(crate) unknown_keys: UnknownKeys,

    /// Let an edit lower or drop `revision`
    #[arg(long)]
    pub(crate) allow_rollback: bool,

    /// File that keeps the values that are set at run time over a restart
    #[arg(long, value_name = "PATH")]
    pub(crate) keep_overrides: Option<PathBuf>,

    /// Read, validate and render everything once, print what is wrong, serve nothing
    #[arg(long)]
    pub(crate) check: bool,

    /// Print the JSON Schema of the configuration
    #[arg(long)]
    pub(crate) schema: bool,

    /// Time for which a draining server goes on answering new requests, in seconds
    #[arg(long, value_name = "SECS", default_value = "1", value_parser = seconds)]
    linger: Duration,

    /// Time after which a draining server, or an old pool of the database, cuts what is left, in seconds
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = seconds)]
    drain_deadline: Duration,

    /// File that holds the id of the process that serves now
    #[arg(long, value_name = "PATH")]
    pub(crate) pid_file: Option<PathBuf>,

    /// Ask the server with this process id to upgrade itself, wait, print the outcome
    #[arg(long, value_name = "PID")]
    pub(crate) upgrade: Option<u32>,

    /// Time for which a server that has upgraded itself watches its successor, in seconds
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = seconds)]
    pub(crate) probation: Duration,

    /// Format of the log lines
    #[arg(long, value_name = "FORMAT", env = "DEMO_LOG_FORMAT", default_value = "text", value_parser = log_format())]
    pub(crate) log_format: Format,

    /// Log one line for each request, at `info`; `off`: at `debug` [default: on when stderr is a terminal]
    #[arg(long, value_name = "on|off", value_parser = on_or_off, hide_possible_values = true)]
    access_log: Option<bool>,
}

impl Cli {
    /// Reads the arguments and the environment; `name` is what the help calls the program.
    pub(crate) fn parse_as(
        name: &str,
        arguments: impl IntoIterator<Item = OsString>,
        demo_config: Option<OsString>,
    ) -> Result<Self, clap::Error> {
        let matches = Self::command()
            .name(name.to_owned())
            .bin_name(name.to_owned())
            .try_get_matches_from(arguments)?;
        let mut cli = Self::from_arg_matches(&matches)?;
        if cli.config.is_empty() {
            let demo_config = demo_config.filter(|paths| !paths.is_empty());
            cli.config = demo_config.map(|paths| Layer::split(&paths)).unwrap_or_default();
        }
        Ok(cli)
    }

    /// True if each request is logged at `info`.
    pub(crate) fn access_log(&self) -> bool {
        self.access_log.unwrap_or_else(|| io::stderr().is_terminal())
    }

    /// The folder for the copies of texts.
    #[cfg(feature = "remote")]
    pub(crate) fn keep_remote(&self) -> Option<PathBuf> {
        let folder = self.keep_remote.clone().or_else(|| configs_remote::state_folder("demos"));
        folder.filter(|folder| !folder.as_os_str().is_empty())
    }

    pub(crate) fn drain_timeouts(&self) -> DrainTimeouts {
        DrainTimeouts { linger: self.linger, deadline: self.drain_deadline }
    }
}

fn unknown_keys() -> impl TypedValueParser<Value = UnknownKeys> {
    PossibleValuesParser::new(["deny", "warn"]).map(|word| match word.as_str() {
        "warn" => UnknownKeys::Warn,
        _ => UnknownKeys::Deny,
    })
}

fn log_format() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(["text", "json"]).map(|word| match word.as_str() {
        "json" => Format::Json,
        _ => Format::Text,
    })
}

fn on_or_off(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("expected `on` or `off`".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let expected = "expected a number of seconds, 0 or more, such as 0.5";
    let seconds: f64 = text.parse().map_err(|_| expected.to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| expected.to_owned())
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, path::PathBuf};

    use clap::CommandFactory;

    use super::Cli;

    fn parse(arguments: &[&str], demo_config: Option<&str>) -> Result<Cli, clap::Error> {
        let arguments = ["demo"].iter().chain(arguments).map(OsString::from);
        Cli::parse_as("demo", arguments, demo_config.map(OsString::from))
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn files_come_from_the_flags_then_the_environment_or_are_searched_for() {
        for (arguments, environment, expected) in [
            (&["--config", "a:b", "--config", "c"][..], Some("x"), &["a:b", "c"][..]),
            (&[], Some("x:http://a:1/:y"), &["x", "http://a:1/", "y"]),
            (&[], Some(""), &[]),
            (&[], None, &[]),
        ] {
            let expected: Vec<_> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(parse(arguments, environment).unwrap().config, expected);
        }
    }

    #[test]
    fn the_access_log_is_on_or_off() {
        for (arguments, expected) in [(&["--access-log", "on"], true), (&["--access-log", "off"], false)] {
            assert_eq!(parse(arguments, None).unwrap().access_log(), expected);
        }
        let error = parse(&["--access-log", "maybe"], None).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("expected `on` or `off`"), "{error}");
    }

    #[test]
    fn seconds_may_have_fractions_but_must_be_a_length_of_time() {
        let timeouts = parse(&["--linger", "0.25"], None).unwrap().drain_timeouts();
        assert_eq!(timeouts.linger.as_millis(), 250);
        for bad in ["-1", "soon", "nan", "inf", ""] {
            let error = parse(&[&format!("--linger={bad}")], None).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{bad}");
        }
    }
}
