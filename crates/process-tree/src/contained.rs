//! Runs a program's work in a process of its own, and ends everything that the work has started.
//!
//! The program that the user starts is the *front*. Its child is the *reaper*, and the reaper's child is the *worker*. The front
//! passes signals on and ends as the worker has ended. Orphans come to the reaper. When the worker or the front has ended, the
//! reaper kills the processes that are left and removes the temporary files. If the reaper itself is killed, the front kills the
//! processes that are left.

use std::{
    ffi::OsString,
    fs,
    io::{self, Read},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, ExitCode, Stdio},
    thread,
};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, wait};
use signal_hook::{
    consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
    low_level::emulate_default_handler,
};

use crate::{adopt_orphans, sweep, temp_folders::TempFolders};

/// The role of this process.
#[derive(Debug)]
pub enum Role {
    /// The user started it.
    Front,
    /// It adopts orphans.
    Reaper,
    /// It does the work; its temporary files belong in this folder.
    Worker(PathBuf),
}

/// The first argument of a reaper.
const REAPER: &str = "__reaper";

/// The first argument of a worker; the second one is its folder.
const WORKER: &str = "__worker";

impl Role {
    /// Takes the role out of a command line that begins with the program's name.
    pub fn take_from(words: &mut Vec<OsString>) -> Role {
        if words.get(1).is_some_and(|word| word == REAPER) {
            words.remove(1);
            Role::Reaper
        } else if words.get(1).is_some_and(|word| word == WORKER) && words.len() > 2 {
            let folder = words.drain(1..3).next_back();
            Role::Worker(folder.unwrap_or_default().into())
        } else {
            Role::Front
        }
    }
}

/// Starts a reaper with this command line, and returns the worker's exit status. If a signal has ended the worker, this process
/// ends by the same signal.
pub fn front(words: &[OsString]) -> io::Result<ExitCode> {
    let mut reaper = this_program(words, &[REAPER.into()]);
    // A signal to the whole group of the front, from a terminal or a `SIGKILL`, reaches the front alone.
    reaper.stdin(Stdio::piped()).process_group(0);
    Ok(end_like(Supervised::start(&mut reaper)?.wait()))
}

/// Starts a worker with this command line, and ends as it does. Standard input ends when the front does; then the worker is
/// killed. The names of temporary folders begin with `prefix`.
pub fn reaper(words: &[OsString], prefix: &str) -> io::Result<ExitCode> {
    let status = {
        let folders = TempFolders::new(prefix)?;
        let mut worker = this_program(words, &[WORKER.into(), folders.path().into()]);
        let worker = Supervised::start(worker.stdin(Stdio::null()))?;
        let pid = Pid::from_child(&worker.process);
        thread::Builder::new().spawn(move || {
            let _ = io::stdin().read_to_end(&mut Vec::new());
            let _ = kill_process(pid, Signal::KILL);
        })?;
        worker.wait()
    };
    Ok(end_like(status))
}

/// A child whose end is waited for while signals are passed on to it.
struct Supervised {
    process: Child,
    signals: Signals,
}

impl Supervised {
    fn start(command: &mut Command) -> io::Result<Supervised> {
        adopt_orphans()?;
        let ignored = ignored_signals();
        let passed = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !ignored.contains(signal));
        let signals = Signals::new(passed.chain([SIGCHLD]))?;
        Ok(Supervised { process: command.spawn()?, signals })
    }

    /// Passes signals on until the child has ended, then kills what it has left.
    fn wait(mut self) -> WaitStatus {
        let pid = Pid::from_child(&self.process);
        loop {
            for signal in self.signals.wait() {
                if signal != SIGCHLD {
                    let _ = Signal::from_named_raw(signal).map(|signal| kill_process(pid, signal));
                } else if let Some(status) = reap(pid) {
                    sweep();
                    return status;
                }
            }
        }
    }
}

/// This program in another role.
fn this_program(words: &[OsString], role: &[OsString]) -> Command {
    let (name, arguments) = words.split_at(words.len().min(1));
    // Also if its file was replaced meanwhile.
    let mut command = Command::new("/proc/self/exe");
    command.args(role).args(arguments);
    if let [name] = name {
        command.arg0(name);
    }
    command
}

/// Reaps every child that has ended, orphans too. Returns the status of `one` if it is among them.
fn reap(one: Pid) -> Option<WaitStatus> {
    let mut found = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == one {
            found = Some(status);
        }
    }
    found
}

/// The signals that this process ignored when it started, as under `nohup`.
fn ignored_signals() -> Vec<i32> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    (1..=64).filter(|signal| mask >> (signal - 1) & 1 == 1).collect()
}

/// The exit status of another process as this one's. Ends this process if a signal has ended the other one.
fn end_like(status: WaitStatus) -> ExitCode {
    let code = match status.terminating_signal() {
        Some(signal) => {
            let _ = emulate_default_handler(signal);
            128 + signal
        }
        None => status.exit_status().unwrap_or(1),
    };
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}
