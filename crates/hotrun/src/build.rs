//! One build: a process in a group of its own. Its output is passed on.

mod cargo_message;
mod cargo_output;
mod command;
mod log;

use std::collections::BTreeMap;
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

use crate::build::cargo_output::{CargoOutput, Part};
use crate::build::command::command;
use crate::build::log::Log;
use crate::job;
use crate::plan::{Build, How};
use crate::report::{Lines, Report, Stream};
use crate::supervisor::Outcome;

pub(crate) use crate::build::cargo_output::Progress;

/// Upper bound on the wait for the end of the output after a build has ended. A daemon that it started may hold the pipe.
const TAIL: Duration = Duration::from_secs(1);
/// From `SIGTERM` to `SIGKILL` when a build is cancelled.
const PATIENCE: Duration = Duration::from_millis(500);

/// The end of a build, for all programs that it makes.
#[derive(Debug)]
pub(crate) struct EndedBuild {
    /// The status and the executables that cargo has made, by name; or the reason why it could not be run.
    result: Result<(ExitStatus, Executables), String>,
    /// The errors that the compilers have counted.
    errors: u32,
    cancelled: bool,
    took: Duration,
    /// The compiler's output, without colours.
    output: String,
}

/// Executables that cargo has made, by the names of their targets.
type Executables = BTreeMap<String, PathBuf>;

/// The result of a build, for one program.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
    /// The executable, if cargo has made one.
    pub(crate) executable: Option<PathBuf>,
    /// The reason of the failure, for a message.
    pub(crate) reason: String,
    /// The errors that the compilers have counted, for all programs of the build. Zero if they are not known.
    pub(crate) errors: u32,
    /// The compiler's output, without colours.
    pub(crate) output: String,
}

impl EndedBuild {
    /// The result for a program that is built like this. `is_shared`: the failure of another program is none of this one, so it is
    /// good if cargo has made its executable.
    pub(crate) fn of(&self, how: &How, is_shared: bool) -> Built {
        let (outcome, executable, reason) = match (&self.result, how) {
            _ if self.cancelled => (Outcome::Cancelled, None, String::new()),
            (Err(reason), _) => (Outcome::Failed, None, reason.clone()),
            (Ok((status, made)), How::Cargo { binary, .. }) => match made.get(binary) {
                Some(made) if is_shared || status.success() => {
                    (Outcome::Good, Some(made.clone()), String::new())
                }
                None if status.success() => {
                    (Outcome::Failed, None, format!("cargo made no executable `{binary}`"))
                }
                _ => (Outcome::Failed, None, status.to_string()),
            },
            (Ok((status, _)), _) if !status.success() => (Outcome::Failed, None, status.to_string()),
            (Ok(_), _) => (Outcome::Good, None, String::new()),
        };
        Built {
            outcome,
            took: self.took,
            executable,
            reason,
            errors: self.errors,
            output: self.output.clone(),
        }
    }
}

impl Built {
    /// The result of a build that was cancelled before it began.
    pub(crate) fn never() -> Self {
        let (executable, reason, output) = (None, String::new(), String::new());
        Self { outcome: Outcome::Cancelled, took: Duration::ZERO, executable, reason, errors: 0, output }
    }
}

/// A build under way.
#[derive(Debug)]
pub(crate) struct Building {
    tree: Option<ProcessTree>,
    cancelled: Arc<AtomicBool>,
}

impl Building {
    /// Starts the build, with these variables besides those of the settings. `progress` is called when
    /// cargo's progress has changed, and `tell` once when no process of it is left, both on other threads.
    pub(crate) fn start(
        build: &Build,
        env: &[(OsString, OsString)],
        report: &Report,
        progress: impl Fn(Progress) + Send + 'static,
        tell: impl FnOnce(EndedBuild) + Send + 'static,
    ) -> Building {
        let began = Instant::now();
        let cancelled = Arc::new(AtomicBool::new(false));
        let command = command(build, env, report);
        let (report, build, is_cancelled) = (report.clone(), build.clone(), Arc::clone(&cancelled));
        let (started, starts) = mpsc::channel();
        let end = move |spawned: io::Result<Child>| {
            let log = Log::open(&build.log, &report);
            let mut errors = 0;
            let result =
                spawned.and_then(|child| follow(child, &build, &log, &report, progress, &mut errors));
            let result = result.map_err(|error| {
                let program = if matches!(build.how, How::Cargo { .. }) { "cargo" } else { "/bin/sh" };
                format!("`{program}` cannot be run: {error}")
            });
            let cancelled = is_cancelled.load(Ordering::SeqCst);
            tell(EndedBuild { result, errors, cancelled, took: began.elapsed(), output: log.text() });
        };
        // The thread starts before the build: a build that runs must be waited for.
        let thread = job::start("build", end, move |end| {
            end(starts.recv().unwrap_or_else(|_| Err(ErrorKind::BrokenPipe.into())));
        });
        let tree = match thread {
            Ok(()) => {
                let mut command = command;
                let spawned = command.spawn();
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
fn follow(
    mut child: Child,
    build: &Build,
    log: &Log,
    report: &Report,
    progress: impl Fn(Progress) + Send + 'static,
    counted_errors: &mut u32,
) -> io::Result<(ExitStatus, Executables)> {
    let tree = ProcessTree::new(child.id());
    let kill = |_: &io::Error| {
        tree.end();
    };
    let is_cargo = matches!(build.how, How::Cargo { .. });
    let errors = child.stderr.take().map(|pipe| {
        let (log, report) = (log.clone(), report.clone());
        let mut lines = Lines::new(&report, Stream::Err);
        reading(move || {
            if is_cargo {
                return stream_of_cargo(pipe, &report, progress, &log);
            }
            stream(pipe, |bytes| lines.pass_on(bytes), &log);
            0
        })
    });
    let errors = errors.transpose().inspect_err(kill)?;
    let output = child.stdout.take().map(|pipe| {
        let (log, report) = (log.clone(), report.clone());
        let mut lines = Lines::new(&report, Stream::Out);
        reading(move || {
            if is_cargo {
                return cargo_message::executables(pipe, &report, &log);
            }
            stream(pipe, |bytes| lines.pass_on(bytes), &log);
            Executables::new()
        })
    });
    let output = output.transpose().inspect_err(kill)?;
    let status = child.wait()?;
    let end = Instant::now() + TAIL;
    let executables = output.and_then(|output| receive(&output, end)).unwrap_or_default();
    *counted_errors = errors.and_then(|errors| receive(&errors, end)).unwrap_or_default();
    tree.end();
    Ok((status, executables))
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

/// Prints cargo's lines. Returns the errors that the compilers have counted.
fn stream_of_cargo(pipe: impl Read, report: &Report, progress: impl Fn(Progress), log: &Log) -> u32 {
    let mut output = CargoOutput::default();
    let show = |part| match part {
        Part::Line(line) => report.of_build(Stream::Err, &line),
        Part::Progress(now) => progress(now),
    };
    stream(pipe, |bytes| output.take(bytes).into_iter().for_each(show), log);
    output.finish().into_iter().for_each(show);
    output.errors
}

fn stream(mut pipe: impl Read, mut show: impl FnMut(&[u8]), log: &Log) {
    let mut buffer = [0; 8192];
    loop {
        match pipe.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => {
                show(&buffer[..read]);
                log.write(&buffer[..read]);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
