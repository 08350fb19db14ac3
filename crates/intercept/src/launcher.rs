//! Prepares a process and executes the program in it: its group, its descriptors, its filter.
//!
//! [`start`](crate::start) runs this process' own binary with a hidden first argument and a socket as standard input. Over the
//! socket the launcher receives the descriptors for the program. It returns the filter's descriptor, or the reason why the
//! program could not be executed. So nothing runs between `fork` and `exec`, and the program inherits no other descriptor.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{self, Command, ExitCode, Stdio};

use command_fds::{CommandFdExt, FdMapping};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal, setpgid};
use serde::{Deserialize, Serialize};

use crate::fd_message::FdMessage;
use crate::seccomp;

/// Messages of the launcher. The first has the filter's descriptor, the second the reason for having no filter. The third has
/// the number of the error that kept the program from being executed.
pub(crate) const FILTERED: &str = "filtered";
pub(crate) const UNFILTERED: &str = "unfiltered";
pub(crate) const FAILED: &str = "failed";

/// The first argument that makes this binary the launcher.
const ARGUMENT: &str = "__intercept-launcher";

/// The program's first descriptor after the standard ones (`SD_LISTEN_FDS_START`).
const FIRST: i32 = 3;

/// A number above all descriptors that are passed on, at most 253.
const ABOVE: i32 = 300;

/// The launcher's second argument, as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) arg0: Option<String>,
    pub(crate) listen_pid: bool,
    pub(crate) intercept: bool,
    /// Name and prefix.
    pub(crate) marker: Option<(String, String)>,
    pub(crate) parent: u32,
}

/// Runs the launcher, if this process was started as one by [`start`](crate::start). It then becomes the program, and this returns
/// only on an error: `main` must end with that status. Returns `None` in any other process.
pub fn launcher() -> Option<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    let (Some(orders), Some(program)) = (arguments.next(), arguments.next()) else {
        return Some(ExitCode::from(2));
    };
    Some(become_program(&orders, &program, arguments))
}

/// A command that runs the launcher: this process' own binary, even if its file was replaced meanwhile.
#[cfg(not(test))]
pub(crate) fn command() -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg(ARGUMENT);
    command
}

/// The binary of the tests, one of which is the launcher.
#[cfg(test)]
pub(crate) fn command() -> Command {
    tests::command()
}

fn become_program(orders: &OsStr, program: &OsStr, arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Ok(channel) = fcntl_dupfd_cloexec(io::stdin(), ABOVE).map(UnixStream::from) else {
        return ExitCode::FAILURE;
    };
    let error = prepare(&channel, orders, program)
        .map_or_else(|error| error, |mut command| command.args(arguments).stdin(Stdio::null()).exec());
    let code = error.raw_os_error().unwrap_or(libc::EINVAL);
    let _ = FdMessage::new(&format!("{FAILED} {code}"), Vec::new()).send(&channel);
    ExitCode::FAILURE
}

/// Everything before `exec`.
fn prepare(channel: &UnixStream, orders: &OsStr, program: &OsStr) -> io::Result<Command> {
    let orders: Orders = serde_json::from_slice(orders.as_encoded_bytes())?;
    let descriptors = FdMessage::receive(channel)?.ok_or(io::ErrorKind::UnexpectedEof)?.descriptors;
    setpgid(None, None)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have ended before the line above.
    if getppid().map(Pid::as_raw_pid) != Some(orders.parent.cast_signed()) {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    let mut command = Command::new(program);
    if let Some(name) = orders.arg0 {
        command.arg0(name);
    }
    for name in ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"] {
        command.env_remove(name);
    }
    if let Some((name, prefix)) = orders.marker {
        command.env(name, format!("{prefix}{}.", process::id()));
    }
    if !descriptors.is_empty() {
        command.env("LISTEN_FDS", descriptors.len().to_string());
        if orders.listen_pid {
            command.env("LISTEN_PID", process::id().to_string());
        }
    }
    let mappings =
        (FIRST..).zip(descriptors).map(|(child_fd, parent_fd)| FdMapping { parent_fd, child_fd }).collect();
    command.fd_mappings(mappings).map_err(|_| io::ErrorKind::InvalidInput)?;
    if orders.intercept {
        rustix::thread::set_no_new_privs(true)?;
        let unfiltered = |why: &str| FdMessage::new(&format!("{UNFILTERED} {why}"), Vec::new()).send(channel);
        match seccomp::install() {
            Ok(notify) => FdMessage::new(FILTERED, vec![notify]).send(channel)?,
            // A process has at most one filter that reports calls.
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                unfiltered("it runs under a program that intercepts its calls already")?;
            }
            Err(error) => unfiltered(&error.to_string())?,
        }
    }
    Ok(command)
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::exit, reason = "a test that is the launcher ends as one")]

    use std::env;
    use std::process::{self, Command};

    use super::become_program;

    /// The test below, which is the launcher if this variable is set.
    pub(crate) const TEST: &str = "launcher::tests::is_the_launcher";
    const VARIABLE: &str = "INTERCEPT_TEST_LAUNCHER";

    pub(super) fn command() -> Command {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", TEST, "--nocapture", "--"]).env(VARIABLE, "1");
        command
    }

    #[test]
    fn is_the_launcher() {
        if env::var_os(VARIABLE).is_some() {
            let mut arguments = env::args_os().skip_while(|argument| argument != "--").skip(1);
            let (orders, program) = (arguments.next().unwrap(), arguments.next().unwrap());
            let _ = become_program(&orders, &program, arguments);
            process::exit(1);
        }
    }
}
