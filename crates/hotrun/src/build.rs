//! One build: a process in a group of its own. Its output is passed on.

mod cargo_message;
mod command;
mod log;

use std::ffi::OsString;
use std::io::{self, ErrorKind, Read};
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use process_tree::ProcessTree;

use crate::build::command::command;
use crate::build::log::Log;
use crate::job;
use crate::plan::{Build, How, Plan};
use crate::report::Report;
use crate::supervisor::Outcome;

/// Upper bound on the wait for the end of the output after a build has ended: a daemon that it started may hold the pipe.
const TAIL: Duration = Duration::from_secs(1);
/// From `SIGTERM` to `SIGKILL` when a build is cancelled.
const PATIENCE: Duration = Duration::from_millis(500);

/// The result of a build.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
    /// The executable, if cargo has made one.
    pub(crate) executable: Option<PathBuf>,
    /// The reason of the failure, for a message.
    pub(crate) reason: String,
    /// The compiler's output, without colours.
    pub(crate) output: String,
}

/// A build under way.
#[derive(Debug)]
pub(crate) struct Building {
    tree: Option<ProcessTree>,
    cancelled: Arc<AtomicBool>,
}

impl Building {
    /// Starts the build, with these variables besides those of the settings. `tell` is called once, on another thread, when no process
    /// of it is left.
    pub(crate) fn start(
        plan: &Plan,
        env: &[(OsString, OsString)],
        report: &Report,
        tell: impl FnOnce(Built) + Send + 'static,
    ) -> Building {
        let began = Instant::now();
        let cancelled = Arc::new(AtomicBool::new(false));
        let (report, build, is_cancelled) = (report.clone(), plan.build.clone(), Arc::clone(&cancelled));
        let (started, starts) = mpsc::channel();
        let end = move |spawned: io::Result<Child>| {
            let log = Log::open(build.log.as_deref(), &report);
            let ended = spawned.and_then(|child| follow(child, &build, &log));
            let cancelled = is_cancelled.load(Ordering::SeqCst);
            let result = judge(ended, cancelled, &build.how, began.elapsed());
            tell(Built { output: log.text(), ..result });
        };
        // The thread starts before the build: a build that runs must be waited for.
        let thread = job::start("build", end, move |end| {
            end(starts.recv().unwrap_or_else(|_| Err(ErrorKind::BrokenPipe.into())));
        });
        let tree = match thread {
            Ok(()) => {
                let spawned = command(plan, env).spawn();
                let tree = spawned.as_ref().ok().map(|child| ProcessTree::new(child.id()));
                let _ = started.send(spawned);
                tree
            }
            Err((error, end)) => {
                if let Some(end) = end {
                    end(Err(error));
                }
                None
            }
        };
        Building { tree, cancelled }
    }

    /// Its processes, if it was started.
    pub(crate) fn tree(&self) -> Option<ProcessTree> {
        self.tree
    }

    /// Ends every process of it.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        let Some(tree) = self.tree else { return };
        tree.signal(libc::SIGTERM, |_| true);
        let kill = |tree: ProcessTree| tree.signal(libc::SIGKILL, |_| true);
        let later = move |tree| {
            thread::sleep(PATIENCE);
            kill(tree);
        };
        if job::start("cancel", tree, later).is_err() {
            kill(tree);
        }
    }
}

/// Passes the output on, and waits for the end.
fn follow(mut child: Child, build: &Build, log: &Log) -> io::Result<(ExitStatus, Option<PathBuf>)> {
    let tree = ProcessTree::new(child.id());
    let kill = |_: &io::Error| {
        tree.end();
    };
    let errors = child.stderr.take().map(|pipe| {
        let log = log.clone();
        reading(move || stream(pipe, Report::compiler, &log))
    });
    let errors = errors.transpose().inspect_err(kill)?;
    let output = child.stdout.take().map(|pipe| {
        let log = log.clone();
        match &build.how {
            How::Cargo { binary, .. } => {
                let binary = binary.clone();
                reading(move || cargo_message::executable(pipe, &binary, &log))
            }
            _ => reading(move || stream(pipe, Report::output, &log)),
        }
    });
    let output = output.transpose().inspect_err(kill)?;
    let status = child.wait()?;
    let end = Instant::now() + TAIL;
    let executable = output.and_then(|output| receive(&output, end)).flatten();
    errors.and_then(|errors| receive(&errors, end));
    tree.end();
    Ok((status, executable))
}

fn reading<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> io::Result<Receiver<T>> {
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new().name("output".to_owned()).spawn(move || {
        let _ = sender.send(read());
    })?;
    Ok(receiver)
}

fn receive<T>(from: &Receiver<T>, end: Instant) -> Option<T> {
    from.recv_timeout(end.saturating_duration_since(Instant::now())).ok()
}

fn stream(mut pipe: impl Read, show: impl Fn(&[u8]), log: &Log) -> Option<PathBuf> {
    let mut buffer = [0; 8192];
    loop {
        match pipe.read(&mut buffer) {
            Ok(0) => return None,
            Ok(read) => {
                show(&buffer[..read]);
                log.write(&buffer[..read]);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

fn judge(
    ended: io::Result<(ExitStatus, Option<PathBuf>)>,
    cancelled: bool,
    how: &How,
    took: Duration,
) -> Built {
    let (outcome, executable, reason) = match (ended, how) {
        _ if cancelled => (Outcome::Cancelled, None, String::new()),
        (Err(error), How::Cargo { .. }) => (Outcome::Failed, None, format!("`cargo` cannot be run: {error}")),
        (Err(error), _) => (Outcome::Failed, None, format!("`/bin/sh` cannot be run: {error}")),
        (Ok((status, _)), _) if !status.success() => (Outcome::Failed, None, status.to_string()),
        (Ok((_, None)), How::Cargo { binary, .. }) => {
            (Outcome::Failed, None, format!("cargo made no executable `{binary}`"))
        }
        (Ok((_, executable)), _) => (Outcome::Good, executable, String::new()),
    };
    Built { outcome, took, executable, reason, output: String::new() }
}
