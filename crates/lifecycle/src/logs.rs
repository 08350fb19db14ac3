//! The log on stderr.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::panic::{self, PanicHookInfo};
use std::sync::OnceLock;
use std::time::Duration;
use std::{env, mem};

use tracing::Dispatch;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_log::{LogTracer, log::LevelFilter};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry, reload};

use crate::filter::{ANNOUNCEMENT, Filter};
use crate::writer::{self, Counts};

/// Upper bound on the wait for stderr to take the lines when the log is dropped.
const FLUSH: Duration = Duration::from_secs(1);

/// The format of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A line of text, in colour if stderr is a terminal and `NO_COLOR` is not set.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The log of this process.
///
/// A thread of its own writes to stderr, so that a task which logs never waits for it. While stderr takes nothing, lines are
/// dropped and counted. Dropping this writes the lines that wait, for a second at most.
#[derive(Debug)]
pub struct Logs {
    filter_handle: FilterHandle,
    dispatch: Dispatch,
    counts: Counts,
    worker: Option<WorkerGuard>,
}

/// Changes the filter of a [`Logs`]. Cheap to clone; it does not keep the log open.
#[derive(Clone, Debug)]
pub struct FilterHandle {
    filter: reload::Handle<Targets, Registry>,
}

impl Logs {
    /// Starts the log of this process: from now on every event of `tracing` goes to stderr, and every panic as one line. A
    /// second start in one process changes nothing.
    pub fn start(filter: &Filter, format: Format) -> Logs {
        let colours = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
        let logs = Logs::build(io::stderr(), filter, format, colours);
        if tracing::dispatcher::set_global_default(logs.dispatch.clone()).is_ok() {
            let _ = COUNTS.set(logs.counts.clone());
            // For libraries on the `log` crate, such as actix-web's `Logger`.
            let _ = LogTracer::builder().with_max_level(LevelFilter::Info).init();
            panic::set_hook(Box::new(log_panic));
        }
        logs
    }

    /// A log of the events under its [`Logs::dispatch`], written to `writer`.
    pub fn to(writer: impl Write + Send + 'static, filter: &Filter, format: Format) -> Logs {
        Logs::build(writer, filter, format, false)
    }

    /// The dispatcher for `tracing::dispatcher::with_default`.
    pub fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    /// Changes the filter from elsewhere.
    pub fn filter_handle(&self) -> FilterHandle {
        self.filter_handle.clone()
    }

    /// Puts `filter` in force at once, as [`FilterHandle::apply`].
    pub fn apply(&self, filter: Filter) {
        self.filter_handle.apply(filter);
    }

    /// Writes one line, whatever the filter.
    pub fn announce(&self, line: impl Display) {
        tracing::dispatcher::with_default(&self.dispatch, || {
            tracing::info!(target: ANNOUNCEMENT, "{line}");
        });
    }

    /// The lines that were lost so far: too many waited, or stderr refused them.
    pub fn lost(&self) -> u64 {
        self.counts.lost()
    }

    fn build(writer: impl Write + Send + 'static, filter: &Filter, format: Format, ansi: bool) -> Logs {
        let (queue, counts, worker) = writer::start(writer);
        let (targets, handle) = reload::Layer::new(filter.clone().into_targets());
        let lines = tracing_subscriber::fmt::layer().with_writer(queue).with_ansi(ansi);
        let dispatch = match format {
            Format::Text => Dispatch::new(tracing_subscriber::registry().with(lines.with_filter(targets))),
            Format::Json => {
                Dispatch::new(tracing_subscriber::registry().with(lines.json().with_filter(targets)))
            }
        };
        Logs { filter_handle: FilterHandle { filter: handle }, dispatch, counts, worker: Some(worker) }
    }
}

impl FilterHandle {
    /// Puts `filter` in force at once. It cannot fail, since a [`Filter`] was checked when it was parsed.
    pub fn apply(&self, filter: Filter) {
        // An error says that the log is gone.
        let _ = self.filter.reload(filter.into_targets());
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        let Some(worker) = self.worker.take() else { return };
        if self.counts.flushed_within(FLUSH) {
            drop(worker);
        } else {
            // Dropping the guard would wait for the stuck thread again, and print to stdout.
            mem::forget(worker);
        }
    }
}

/// Logs a panic. The standard library's hook writes to stderr by itself, and would wait for it.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, "panicked: {}", panic.payload_as_str().unwrap_or("without a message"));
}

static COUNTS: OnceLock<Counts> = OnceLock::new();

/// The lines that the log of this process has lost so far.
pub(crate) fn lost() -> u64 {
    COUNTS.get().map_or(0, Counts::lost)
}
