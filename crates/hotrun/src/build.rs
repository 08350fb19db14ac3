//! One build: a process in a group of its own. Its output is passed on.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use process_tree::ProcessTree;
use serde::Deserialize;

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
}

/// A build under way.
#[derive(Debug)]
pub(crate) struct Building {
    tree: Option<ProcessTree>,
    cancelled: Arc<AtomicBool>,
}

impl Building {
    /// Starts the build. `tell` is called once, on another thread, when no process of it is left.
    pub(crate) fn start(plan: &Plan, report: &Report, tell: impl FnOnce(Built) + Send + 'static) -> Building {
        let began = Instant::now();
        let cancelled = Arc::new(AtomicBool::new(false));
        let (report, build, is_cancelled) = (report.clone(), plan.build.clone(), Arc::clone(&cancelled));
        let (started, starts) = mpsc::channel();
        let end = move |spawned: io::Result<Child>| {
            let ended = spawned.and_then(|child| follow(child, &build, &report));
            let cancelled = is_cancelled.load(Ordering::SeqCst);
            tell(judge(ended, cancelled, &build.how, began.elapsed()));
        };
        // The thread starts before the build: a build that runs must be waited for.
        let thread = job::start("build", end, move |end| {
            end(starts.recv().unwrap_or_else(|_| Err(ErrorKind::BrokenPipe.into())));
        });
        let tree = match thread {
            Ok(()) => {
                let spawned = command(plan).spawn();
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

fn command(plan: &Plan) -> Command {
    let command = match &plan.build.how {
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
    let mut command = with_lines_before(&plan.build.before, command);
    for (name, _) in env::vars_os().filter(|(name, _)| is_of_an_outer_cargo(name)) {
        command.env_remove(name);
    }
    for name in ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET"] {
        command.env_remove(name);
    }
    if let Some(columns) = Report::columns() {
        command.env("CARGO_TERM_COLOR", "always");
        command.env("CARGO_TERM_PROGRESS_WHEN", "always");
        command.env("CARGO_TERM_PROGRESS_WIDTH", columns.to_string());
    }
    command.envs(plan.build.env.iter().map(|(name, value)| (name, value)));
    command.current_dir(&plan.root).process_group(0);
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

/// Passes the output on, and waits for the end.
fn follow(mut child: Child, build: &Build, report: &Report) -> io::Result<(ExitStatus, Option<PathBuf>)> {
    let tree = ProcessTree::new(child.id());
    let log = Log::open(build.log.as_deref(), report);
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
                reading(move || messages(pipe, &binary, &log))
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

/// Reads cargo's JSON messages, and returns the executable of the target with this name.
fn messages(pipe: impl Read, binary: &str, log: &Log) -> Option<PathBuf> {
    let mut executable = None;
    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
        if let Ok(message) = serde_json::from_slice::<Message>(&line) {
            executable = message.executable_of(binary).or(executable);
        } else {
            let line = [&line[..], b"\n"].concat();
            Report::compiler(&line);
            log.write(&line);
        }
    }
    executable
}

/// The part of cargo's messages that is read.
#[derive(Debug, Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
}

impl Message {
    fn executable_of(self, binary: &str) -> Option<PathBuf> {
        self.executable.filter(|_| self.target.is_some_and(|target| target.name == binary))
    }
}

/// The log of the last build: the compiler's output without colours and progress.
#[derive(Clone, Debug)]
struct Log(Option<Arc<Mutex<Lines>>>);

/// The file, and the line that is not complete yet.
#[derive(Debug)]
struct Lines {
    file: File,
    line: Vec<u8>,
}

impl Log {
    /// Truncates the file. If it cannot be written, prints a warning and logs nothing.
    fn open(path: Option<&Path>, report: &Report) -> Log {
        let Some(path) = path else { return Log(None) };
        match File::create(path) {
            Ok(file) => Log(Some(Arc::new(Mutex::new(Lines { file, line: Vec::new() })))),
            Err(error) => {
                report.warning(&format!("the build's log `{}` cannot be written: {error}", path.display()));
                Log(None)
            }
        }
    }

    fn write(&self, bytes: &[u8]) {
        let Some(log) = &self.0 else { return };
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        let Lines { file, line } = &mut *log;
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let _ = file.write_all(plain(&String::from_utf8_lossy(line)).as_bytes());
                line.clear();
            }
        }
    }
}

/// The part of a line that remains visible on a terminal, without colours.
fn plain(line: &str) -> String {
    let stays = line.trim_end_matches(['\r', '\n']).rsplit('\r').next().unwrap_or_default();
    format!("{}\n", anstream::adapter::strip_str(stays))
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
    Built { outcome, took, executable, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_executable_is_the_one_with_the_right_name() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"site","kind":["bin"]},"executable":"/t/site"}"#;
        let read = |binary| serde_json::from_str::<Message>(line).unwrap().executable_of(binary);
        assert_eq!(read("site"), Some(PathBuf::from("/t/site")));
        assert_eq!(read("other"), None);
        let finished =
            serde_json::from_str::<Message>(r#"{"reason":"build-finished","success":true}"#).unwrap();
        assert_eq!(finished.executable_of("site"), None);
    }

    #[test]
    fn the_log_has_the_lines_that_stay_on_a_terminal() {
        assert_eq!(plain("   Building [=>  ] 1/4\r\x1b[K\x1b[1merror\x1b[0m: no\r\n"), "error: no\n");
        assert_eq!(plain("warning: x\n"), "warning: x\n");
    }
}
