//! The files of a site, and the error if they cannot be opened.

use std::{path::PathBuf, time::Duration};

use configs::{Diagnosis, Layer, UnknownKeys};
use serde_json::Value;

use crate::metrics::ProcessStats;

/// The files and settings that a site is opened from.
pub struct Options {
    /// The framework's name, as the page shows it.
    pub framework: &'static str,
    /// The configuration files and sources, a later one laid over the earlier ones. Empty: `config.yaml`, or what else
    /// [`Builder::search`](configs::Builder::search) finds.
    pub config: Vec<Layer>,
    /// The name of this server among all that read the same source.
    pub name: Option<String>,
    /// The environment that the process runs in: `production` lays `config.production.yaml` over the first file.
    pub environment: Option<String>,
    /// The folder of templates.
    pub templates: PathBuf,
    /// Overrides, `KEY=VALUE` each.
    pub set: Vec<String>,
    /// The effect of an unknown key in a file.
    pub unknown_keys: UnknownKeys,
    /// The id of this process.
    pub instance: String,
    /// The id of this executable.
    pub build: String,
    /// True: an edit may lower or drop `revision`.
    pub allow_rollback: bool,
    /// Upper bound on the drain of an old pool of the database.
    pub drain_deadline: Duration,
    /// The file that keeps the values that are set at run time over a restart.
    pub keep_overrides: Option<PathBuf>,
    /// True: access lines are logged at `info`, else at `debug`.
    pub access_log: bool,
    /// True for a text that is a log filter.
    pub is_log_filter: fn(&str) -> bool,
    /// Reads the statistics of the process.
    pub process_stats: Box<dyn Fn() -> ProcessStats + Send + Sync>,
    /// Reads the state of a part of the process, for the debug routes.
    pub inspect: fn(Inspected) -> Value,
}

impl Options {
    /// The defaults of the command line.
    pub fn new(framework: &'static str) -> Self {
        Self {
            framework,
            config: Vec::new(),
            name: None,
            environment: None,
            templates: PathBuf::from("templates"),
            set: Vec::new(),
            unknown_keys: UnknownKeys::Deny,
            instance: String::from("unnamed"),
            build: String::from(env!("CARGO_PKG_VERSION")),
            allow_rollback: false,
            drain_deadline: Duration::from_secs(10),
            keep_overrides: None,
            access_log: false,
            is_log_filter: |_| true,
            process_stats: Box::new(ProcessStats::default),
            inspect: |_| Value::Null,
        }
    }
}

/// A part of the process that a debug route shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inspected {
    /// The open connections.
    Connections,
    /// The tokio runtimes.
    Runtimes,
    /// The threads.
    Threads,
}

/// Why a site cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// An override or an environment that is none.
    #[error("{0}")]
    Usage(String),
    /// The configuration is not valid.
    #[error("{}", .0.render())]
    Config(Diagnosis),
    /// The templates do not compile, or the page cannot be rendered.
    #[error("{}", .0.message())]
    Templates(views::Error),
}
