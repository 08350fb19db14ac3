//! Becomes the program: its own group, its descriptors, its filter, then `exec`.
//!
//! hotrun starts its own binary under a hidden name, with a socket for standard input: over it go the descriptors
//! that the program is to have; back come the filter's, and why the program could not be executed. Nothing is
//! inherited by accident, and nothing runs between `fork` and `exec`.

mod parcel;

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{self, Child as Process, Command, ExitCode, Stdio};

use command_fds::{CommandFdExt, FdMapping};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal, setpgid};
use serde::{Deserialize, Serialize};

use crate::child::parcel::Parcel;
use crate::lend::seccomp;

/// The first argument that makes this binary a child.
pub(crate) const PERSONA: &str = "__child";

/// Where handed descriptors begin.
const FIRST: i32 = 3;

/// Where none of them ends.
const ASIDE: i32 = 300;

/// What is to be started.
#[derive(Debug)]
pub(crate) struct Spec {
    /// The file to execute, then its arguments.
    pub(crate) program: Vec<OsString>,
    /// What the program sees as its own name, if not the file.
    pub(crate) arg0: Option<OsString>,
    /// Besides hotrun's own environment.
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) dir: PathBuf,
    /// Handed on from descriptor 3 on, with `LISTEN_FDS`.
    pub(crate) listen_fds: Vec<OwnedFd>,
    /// `LISTEN_PID` too: the program is executed by us and not by a shell.
    pub(crate) listen_pid: bool,
    /// Install the filter and hand over its descriptor.
    pub(crate) lend: bool,
}

/// A program that was started in a group of its own, whose id is its process id.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) pid: u32,
    /// The filter's notifications, if they were asked for.
    pub(crate) notify: Option<OwnedFd>,
    /// Why there are none although they were asked for.
    pub(crate) unfiltered: Option<String>,
    pub(crate) process: Process,
}

/// What the persona is to do, as its second argument.
#[derive(Debug, Serialize, Deserialize)]
struct Orders {
    arg0: Option<String>,
    listen_pid: bool,
    lend: bool,
    parent: u32,
}

/// Starts the program. It is killed when the calling *thread* ends: call it on one that lives as long as hotrun.
/// An error names what could not be done.
pub(crate) fn start(spec: Spec) -> io::Result<Child> {
    let Some((program, arguments)) = spec.program.split_first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is no program to start"));
    };
    let orders = Orders {
        arg0: spec.arg0.as_ref().map(|name| name.to_string_lossy().into_owned()),
        listen_pid: spec.listen_pid,
        lend: spec.lend,
        parent: process::id(),
    };
    let (ours, theirs) = UnixStream::pair()?;
    let mut process = persona()
        .arg(serde_json::to_string(&orders)?)
        .arg(program)
        .args(arguments)
        .envs(spec.env)
        .current_dir(&spec.dir)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .spawn()
        .map_err(|error| worded(&error, &format!("cannot start in `{}`", spec.dir.display())))?;
    // The command is gone with its end of the socket: when the program runs, or nobody does, ours ends.
    let started = Parcel::new("start", spec.listen_fds).send(&ours).and_then(|()| answers(&ours, program));
    match started {
        Ok((notify, unfiltered)) => Ok(Child { pid: process.id(), notify, unfiltered, process }),
        Err(error) => {
            let _ = process.kill();
            let _ = process.wait();
            Err(error)
        }
    }
}

/// The persona's `main`: returns only when there is no program.
pub(crate) fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(2);
    let (Some(orders), Some(program)) = (arguments.next(), arguments.next()) else {
        return ExitCode::from(2);
    };
    become_program(&orders, &program, arguments)
}

fn become_program(orders: &OsStr, program: &OsStr, arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let Ok(channel) = fcntl_dupfd_cloexec(io::stdin(), ASIDE).map(UnixStream::from) else {
        return ExitCode::FAILURE;
    };
    let error = prepare(&channel, orders, program)
        .map_or_else(|error| error, |mut command| command.args(arguments).stdin(Stdio::null()).exec());
    let code = error.raw_os_error().unwrap_or(libc::EINVAL);
    let _ = Parcel::new(&format!("failed {code}"), Vec::new()).send(&channel);
    ExitCode::FAILURE
}

/// Everything up to `exec`.
fn prepare(channel: &UnixStream, orders: &OsStr, program: &OsStr) -> io::Result<Command> {
    let orders: Orders = serde_json::from_slice(orders.as_encoded_bytes())?;
    let handed = Parcel::receive(channel)?.ok_or(io::ErrorKind::UnexpectedEof)?.descriptors;
    setpgid(None, None)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
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
    command.env(process_tree::MARK, process_tree::mark(orders.parent, process::id()));
    if !handed.is_empty() {
        command.env("LISTEN_FDS", handed.len().to_string());
        if orders.listen_pid {
            command.env("LISTEN_PID", process::id().to_string());
        }
    }
    let mappings =
        (FIRST..).zip(handed).map(|(child_fd, parent_fd)| FdMapping { parent_fd, child_fd }).collect();
    command.fd_mappings(mappings).map_err(|_| io::ErrorKind::InvalidInput)?;
    if orders.lend {
        rustix::thread::set_no_new_privs(true)?;
        match seccomp::install() {
            Ok(notify) => Parcel::new("lends", vec![notify]).send(channel)?,
            // A process may have one filter that reports.
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                Parcel::new("bare hotrun itself is run by something that lends sockets", Vec::new())
                    .send(channel)?;
            }
            Err(error) => Parcel::new(&format!("bare {error}"), Vec::new()).send(channel)?,
        }
    }
    Ok(command)
}

/// What the persona says until it is the program.
fn answers(channel: &UnixStream, program: &OsStr) -> io::Result<(Option<OwnedFd>, Option<String>)> {
    let (mut notify, mut unfiltered) = (None, None);
    while let Some(mut parcel) = Parcel::receive(channel)? {
        match parcel.words.split_once(' ').unwrap_or((&parcel.words, "")) {
            ("lends", _) => notify = parcel.descriptors.pop(),
            ("bare", why) => unfiltered = Some(why.to_owned()),
            ("failed", code) => {
                let error = io::Error::from_raw_os_error(code.parse().unwrap_or(libc::EINVAL));
                return Err(worded(&error, &format!("cannot execute `{}`", program.display())));
            }
            _ => {}
        }
    }
    Ok((notify, unfiltered))
}

fn worded(error: &io::Error, what: &str) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

/// hotrun's own binary, even if its file was replaced meanwhile.
#[cfg(not(test))]
fn persona() -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg(PERSONA);
    command
}

/// The tests' own binary, where one of the tests becomes the program.
#[cfg(test)]
fn persona() -> Command {
    tests::persona()
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::exit, reason = "a test that is the persona ends as one")]

    use std::env;
    use std::ffi::OsString;
    use std::io;
    use std::process::{self, Command};

    use super::{Spec, become_program, start};

    /// The test below, which is the persona if it is told so.
    pub(crate) const PERSONA: &str = "child::tests::is_the_persona";
    const HERE: &str = "HOTRUN_TEST_PERSONA";

    pub(super) fn persona() -> Command {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", PERSONA, "--nocapture", "--"]).env(HERE, "1");
        command
    }

    #[test]
    fn is_the_persona() {
        if env::var_os(HERE).is_some() {
            let mut arguments = env::args_os().skip_while(|argument| argument != "--").skip(1);
            let (orders, program) = (arguments.next().unwrap(), arguments.next().unwrap());
            let _ = become_program(&orders, &program, arguments);
            process::exit(1);
        }
    }

    fn spec(program: &[&str]) -> Spec {
        Spec {
            program: program.iter().map(OsString::from).collect(),
            arg0: None,
            env: Vec::new(),
            dir: env::temp_dir(),
            listen_fds: Vec::new(),
            listen_pid: false,
            lend: false,
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_said_at_once() {
        let error = start(spec(&["/nowhere/at/all"])).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(
            error.to_string(),
            "cannot execute `/nowhere/at/all`: No such file or directory (os error 2)"
        );
    }

    #[test]
    fn a_folder_that_is_not_there_is_said_at_once() {
        let error = start(Spec { dir: "/nowhere/at/all".into(), ..spec(&["true"]) }).unwrap_err();
        assert!(error.to_string().starts_with("cannot start in `/nowhere/at/all`: "), "{error}");
    }
}
