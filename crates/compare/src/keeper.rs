//! Ends with the measurement all that it has started.
//!
//! `compare` works in a process of its own, the *worker*, a child of the *keeper*, a child of the *front*, which is what was
//! started. The front passes signals on, and ends as the worker has ended. Orphans come to the keeper: when the worker has
//! ended, by whatever, or the front has, it kills what is left and removes what is temporary. Should the keeper itself be
//! killed, the front kills what is left.

use std::{
    ffi::OsString,
    fs,
    io::{self, Read},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, ExitCode, Stdio},
    thread,
};

use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, set_child_subreaper, wait,
};
use signal_hook::{
    consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
    low_level::emulate_default_handler,
};

use crate::{leftovers, progress, scratch::Scratch};

/// Which of the three this process is.
pub(crate) enum Part {
    Front,
    Keeper,
    /// With the folder for what is temporary.
    Worker(PathBuf),
}

/// The first argument of a keeper.
const KEEPER: &str = "__keeper";

/// The first argument of a worker; its folder is the second one.
const WORKER: &str = "__worker";

impl Part {
    /// Takes what says so out of the command line, the program's name being its first word.
    pub(crate) fn of(words: &mut Vec<OsString>) -> Part {
        if words.get(1).is_some_and(|word| word == KEEPER) {
            words.remove(1);
            Part::Keeper
        } else if words.get(1).is_some_and(|word| word == WORKER) && words.len() > 2 {
            let folder = words.drain(1..3).next_back();
            Part::Worker(folder.unwrap_or_default().into())
        } else {
            Part::Front
        }
    }
}

/// Starts a keeper with these words, and ends as it does.
pub(crate) fn front(words: &[OsString]) -> ExitCode {
    let mut keeper = itself(words, &[KEEPER.into()]);
    // A signal to everyone in the front's group, such as a terminal's or a `SIGKILL`, reaches the front alone.
    keeper.stdin(Stdio::piped()).process_group(0);
    ended(Ward::start(&mut keeper).map(Ward::end))
}

/// Starts a worker with these words, and ends as it does. Standard input ends with the front, and the worker with that.
pub(crate) fn keeper(words: &[OsString]) -> ExitCode {
    ended(Scratch::make().and_then(|scratch| {
        let mut worker = itself(words, &[WORKER.into(), scratch.path().into()]);
        let ward = Ward::start(worker.stdin(Stdio::null()))?;
        let pid = Pid::from_child(&ward.process);
        thread::spawn(move || {
            let _ = io::stdin().read_to_end(&mut Vec::new());
            let _ = kill_process(pid, Signal::KILL);
        });
        Ok(ward.end())
    }))
}

/// The process that is looked after.
struct Ward {
    process: Child,
    signals: Signals,
}

impl Ward {
    fn start(command: &mut Command) -> io::Result<Ward> {
        set_child_subreaper(Some(getpid()))?;
        let ignored = ignored();
        let passed = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !ignored.contains(signal));
        let signals = Signals::new(passed.chain([SIGCHLD]))?;
        Ok(Ward { process: command.spawn()?, signals })
    }

    /// Passes signals on until it has ended, then kills what is left of it.
    fn end(mut self) -> WaitStatus {
        let pid = Pid::from_child(&self.process);
        loop {
            for signal in self.signals.wait() {
                if signal != SIGCHLD {
                    let _ = Signal::from_named_raw(signal).map(|signal| kill_process(pid, signal));
                } else if let Some(status) = reap(pid) {
                    leftovers::sweep();
                    return status;
                }
            }
        }
    }
}

/// This program, as another part of it.
fn itself(words: &[OsString], part: &[OsString]) -> Command {
    let (name, arguments) = words.split_at(words.len().min(1));
    // Even if its file was replaced meanwhile.
    let mut command = Command::new("/proc/self/exe");
    command.args(part).args(arguments);
    if let [name] = name {
        command.arg0(name);
    }
    command
}

/// Waits for whoever has ended, orphans too. Gives the status of the one, if it is among them.
fn reap(one: Pid) -> Option<WaitStatus> {
    let mut found = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == one {
            found = Some(status);
        }
    }
    found
}

/// The signals that whoever has started this process does not want to end it, as `nohup` does.
fn ignored() -> Vec<i32> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    (1..=64).filter(|signal| mask >> (signal - 1) & 1 == 1).collect()
}

/// Ends as the other process has ended: with its status, or by its signal.
fn ended(how: io::Result<WaitStatus>) -> ExitCode {
    let status = match how {
        Ok(status) => status,
        Err(error) => {
            progress(&format!("the measurement cannot be started: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = match status.terminating_signal() {
        Some(signal) => {
            let _ = emulate_default_handler(signal);
            128 + signal
        }
        None => status.exit_status().unwrap_or(1),
    };
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}
