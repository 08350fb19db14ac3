//! The trial of a library in a child process. A library that crashes or does not return ends the child, not the host.

use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Resource, Rlimit, Signal, getppid, kill_process_group, set_parent_process_death_signal, setrlimit,
};

use crate::library;
use crate::memory_file::memory_file;

/// The hidden argument of the child. The id of the host follows.
const ARGUMENT: &str = "--try-plugin";

/// Written by the child when the library is loaded.
const LOADED: &str = "loaded\n";
/// Written by the child when the trial has succeeded.
const GOOD: &str = "good\n";

/// The pause between two looks at the child.
const PAUSE: Duration = Duration::from_millis(1);

/// True if `main` has called [`init`].
pub(crate) static INITIALIZED: AtomicBool = AtomicBool::new(false);

/// Call it first in `main`, before the arguments are read: plugins are tried in a child process of the same program. In that
/// child it tries the plugin and ends the process. Otherwise it returns at once.
#[expect(clippy::exit, reason = "the child is done")]
pub fn init() {
    INITIALIZED.store(true, Ordering::Relaxed);
    let mut arguments = env::args_os().skip(1);
    if arguments.next().as_deref() != Some(OsStr::new(ARGUMENT)) {
        return;
    }
    let host = arguments.next().and_then(|pid| pid.to_str()?.parse().ok()).and_then(Pid::from_raw);
    std::process::exit(match report(host) {
        Ok(()) => 0,
        Err(error) => {
            let _ = writeln!(io::stderr(), "`{ARGUMENT}` is for the program itself: {error}");
            2
        }
    });
}

/// The child: tries the library that is its standard input, and writes the outcome to its standard output.
fn report(host: Option<Pid>) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if host.is_none() || getppid() != host {
        return Err(io::Error::other("the host is gone"));
    }
    // A crash is no news: the host says what crashed.
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    let library = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut report = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    // The library may print, which is no report.
    rustix::stdio::dup2_stdout(OwnedFd::from(File::options().write(true).open("/dev/null")?))?;
    let tried = library::load(&library, String::new()).and_then(|version| {
        let _ = report.write_all(LOADED.as_bytes());
        version.self_test()
    });
    report.write_all(tried.as_ref().map_or_else(String::as_str, |()| GOOD).as_bytes())
}

/// Tries the library in `file`. Says why it must not be loaded, as the rest of a sentence.
pub(crate) fn run(file: &File, limit: Duration) -> Result<(), String> {
    let failed = |error: io::Error| format!("cannot be tried: {error}");
    let (report, stderr) = (memory_file("report", b""), memory_file("stderr", b""));
    let (report, stderr) = (report.map_err(failed)?, stderr.map_err(failed)?);
    let child = || {
        // This very program, even if its file was replaced.
        Command::new("/proc/self/exe")
            .arg(ARGUMENT)
            .arg(std::process::id().to_string())
            .stdin(file.try_clone()?)
            .stdout(report.try_clone()?)
            .stderr(stderr.try_clone()?)
            .process_group(0)
            .spawn()
    };
    let status = wait(child().map_err(failed)?, limit).map_err(failed)?;
    let words = text(&report);
    let (stage, outcome) = match words.strip_prefix(LOADED) {
        Some(rest) => ("in the self-test", rest),
        None => ("while it was loaded", &*words),
    };
    match status {
        None => Err(format!("did not return within {} s {stage}", limit.as_secs_f64())),
        Some(_) if outcome == GOOD => Ok(()),
        Some(status) if status.success() && !outcome.is_empty() => Err(outcome.to_owned()),
        Some(status) => Err(format!("crashed {stage}: {}", cause(status, &text(&stderr)))),
    }
}

/// Waits for the end of the child. After `limit` it is killed, with the processes that the library has started.
fn wait(mut child: Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
            child.wait()?;
            return Ok(None);
        }
        sleep(PAUSE);
    }
}

/// The signal or status of the child, and the first two lines that it printed.
fn cause(status: ExitStatus, stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().map(str::trim).filter(|line| !line.is_empty()).take(2).collect();
    let words: String = lines.join(" ").chars().filter(|letter| !letter.is_control()).collect();
    if words.is_empty() { status.to_string() } else { format!("{status}: {words}") }
}

/// The first 4 KiB of a file that the child has written.
fn text(file: &File) -> String {
    let mut bytes = [0; 4096];
    let length = file.read_at(&mut bytes, 0).unwrap_or(0);
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}
