//! The log on stderr.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::panic::{self, PanicHookInfo};
use std::sync::OnceLock;
use std::time::Duration;
use std::{env, mem};

use tracing::Dispatch;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry, reload};

use crate::filter::{ANNOUNCEMENT, Filter};
use crate::sink::{self, Tally};

/// How long dropping the log waits for stderr to take the lines that wait.
const FLUSH: Duration = Duration::from_secs(1);

/// How the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A line for people; in colour when it goes to a terminal and `NO_COLOR` is not set.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// The log of this process. Whoever logs never waits for stderr: a thread of its own writes, and while it
/// is stuck lines are dropped, then counted.
///
/// Dropping it writes what still waits, for a second at most.
#[derive(Debug)]
pub struct Logs {
    filter_handle: FilterHandle,
    dispatch: Dispatch,
    tally: Tally,
    worker: Option<WorkerGuard>,
}

/// The handle that changes what a [`Logs`] logs. Cheap to clone; it does not keep the log open.
#[derive(Clone, Debug)]
pub struct FilterHandle {
    filter: reload::Handle<Targets, Registry>,
}

impl Logs {
    /// Starts the log of this process: everything traced from now on goes to stderr; so do panics, each as
    /// one line that waits for nobody. A second start in one process leaves that to the first.
    pub fn start(filter: &Filter, format: Format) -> Logs {
        let colours = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
        let logs = Logs::build(io::stderr(), filter, format, colours);
        if tracing::dispatcher::set_global_default(logs.dispatch.clone()).is_ok() {
            let _ = TALLY.set(logs.tally.clone());
            panic::set_hook(Box::new(tell));
        }
        logs
    }

    /// A log that goes to `writer`, of whatever is traced under its [`Logs::dispatch`].
    pub fn to(writer: impl Write + Send + 'static, filter: &Filter, format: Format) -> Logs {
        Logs::build(writer, filter, format, false)
    }

    /// What `tracing::dispatcher::with_default` takes.
    pub fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    /// The handle that changes the filter.
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

    /// The lines that were dropped so far, because too many waited or stderr refused them.
    pub fn lost(&self) -> u64 {
        self.tally.lost()
    }

    fn build(writer: impl Write + Send + 'static, filter: &Filter, format: Format, ansi: bool) -> Logs {
        let (queue, tally, worker) = sink::start(writer);
        let (targets, handle) = reload::Layer::new(filter.clone().into_targets());
        let lines = tracing_subscriber::fmt::layer().with_writer(queue).with_ansi(ansi);
        let dispatch = match format {
            Format::Text => Dispatch::new(tracing_subscriber::registry().with(lines.with_filter(targets))),
            Format::Json => {
                Dispatch::new(tracing_subscriber::registry().with(lines.json().with_filter(targets)))
            }
        };
        Logs { filter_handle: FilterHandle { filter: handle }, dispatch, tally, worker: Some(worker) }
    }
}

impl FilterHandle {
    /// Puts `filter` in force at once. It cannot fail: what can be wrong with a filter was found when it
    /// was parsed.
    pub fn apply(&self, filter: Filter) {
        // It answers with an error only when the log is gone.
        let _ = self.filter.reload(filter.into_targets());
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        let Some(worker) = self.worker.take() else { return };
        if self.tally.settles_within(FLUSH) {
            drop(worker);
        } else {
            // Dropping it would wait for the stuck thread again, and complain on stdout.
            mem::forget(worker);
        }
    }
}

/// The hook that it replaces writes to stderr itself, and waits for it.
fn tell(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, "panicked: {}", panic.payload_as_str().unwrap_or("without words"));
}

static TALLY: OnceLock<Tally> = OnceLock::new();

/// The lines that the log of this process dropped so far.
pub(crate) fn lost() -> u64 {
    TALLY.get().map_or(0, Tally::lost)
}
