//! Becomes the program: its own group, its descriptors, its filter, then `exec`.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child as Process, Command, ExitCode};

/// The first argument that makes this binary a child.
pub(crate) const PERSONA: &str = "__child";

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
    pub(crate) process: Process,
}

/// Starts the program; an error names what could not be done.
pub(crate) fn start(spec: Spec) -> io::Result<Child> {
    use std::os::unix::process::CommandExt;
    let (program, args) = spec.program.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let process = Command::new(program)
        .args(args)
        .envs(spec.env)
        .current_dir(spec.dir)
        .process_group(0)
        .stdin(std::process::Stdio::null())
        .spawn()?;
    Ok(Child { pid: process.id(), notify: None, process })
}

/// The persona's `main`.
pub(crate) fn main() -> ExitCode {
    ExitCode::FAILURE
}
