//! Starts a program under the filter.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{self, Child as Process, Stdio};

use crate::fd_message::FdMessage;
use crate::launcher::{self, Orders};

/// A program to start.
#[derive(Debug)]
pub struct Spec {
    /// The file to execute, looked up in `PATH` if it has no slash, then its arguments.
    pub program: Vec<OsString>,
    /// `argv[0]`, if it is not the file.
    pub arg0: Option<OsString>,
    /// Variables besides those of this process. `LISTEN_FDS`, `LISTEN_PID` and `LISTEN_FDNAMES` of this process are not passed on.
    pub env: Vec<(OsString, OsString)>,
    /// The working directory.
    pub dir: PathBuf,
    /// Listening sockets that are passed on as descriptors 3, 4, …, with `LISTEN_FDS` (sd_listen_fds(3)).
    pub listen_fds: Vec<OwnedFd>,
    /// True if `LISTEN_PID` is set too. It is wrong for a shell that executes the server as another process.
    pub listen_pid: bool,
    /// True if the filter is installed. Without it nothing can be intercepted.
    pub intercept: bool,
    /// A variable by which the program's descendants can be found.
    pub marker: Option<Marker>,
    /// Its stdout and stderr; `None` for those of this process.
    pub output: Option<(OwnedFd, OwnedFd)>,
}

/// A variable that every descendant of a program inherits. Its value is the prefix, the program's process id, and a dot.
#[derive(Clone, Debug)]
pub struct Marker {
    /// The variable's name.
    pub name: String,
    /// Text before the process id, which tells whose program it is.
    pub prefix: String,
}

/// A program that was started, in a process group of its own whose id is its process id.
#[derive(Debug)]
pub struct Child {
    /// Its process id.
    pub pid: u32,
    /// The descriptor for [`Interceptor::serve`](crate::Interceptor::serve), if the filter is installed. Calls wait until they are
    /// answered: dropping it makes them fail with `ENOSYS`.
    pub notify: Option<OwnedFd>,
    /// Why there is no filter, although [`Spec::intercept`] asked for one.
    pub unfiltered: Option<String>,
    /// To wait for its end.
    pub process: Process,
}

impl Spec {
    /// This program with its arguments, in the current folder, with the filter and nothing else.
    pub fn new<W: Into<OsString>>(program: impl IntoIterator<Item = W>) -> Self {
        Self {
            program: program.into_iter().map(Into::into).collect(),
            arg0: None,
            env: Vec::new(),
            dir: env::current_dir().unwrap_or_else(|_| "/".into()),
            listen_fds: Vec::new(),
            listen_pid: true,
            intercept: true,
            marker: None,
            output: None,
        }
    }
}

/// Starts the program. `main` of this process must call [`launcher`](crate::launcher) first.
///
/// The program is killed when the calling *thread* ends: call it on one that lives as long as the program shall.
///
/// # Errors
///
/// The program cannot be executed, the folder does not exist, or the system refuses a process. The text names what failed.
pub fn start(spec: Spec) -> io::Result<Child> {
    let Some((program, arguments)) = spec.program.split_first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is no program to start"));
    };
    let orders = Orders {
        arg0: spec.arg0.as_ref().map(|name| name.to_string_lossy().into_owned()),
        listen_pid: spec.listen_pid,
        intercept: spec.intercept,
        marker: spec.marker.map(|marker| (marker.name, marker.prefix)),
        parent: process::id(),
    };
    let (ours, theirs) = UnixStream::pair()?;
    let mut command = launcher::command();
    if let Some((out, err)) = spec.output {
        command.stdout(Stdio::from(out)).stderr(Stdio::from(err));
    }
    command
        .arg(serde_json::to_string(&orders)?)
        .arg(program)
        .args(arguments)
        .envs(spec.env)
        .current_dir(&spec.dir)
        .stdin(Stdio::from(OwnedFd::from(theirs)));
    let started = command.spawn();
    // Its end of the socket, and the ends of the program's output.
    drop(command);
    let mut process =
        started.map_err(|error| in_words(&error, &format!("cannot start in `{}`", spec.dir.display())))?;
    // Ours ends when the launcher is gone or has become the program.
    let started = FdMessage::new("start", spec.listen_fds).send(&ours).and_then(|()| outcome(&ours, program));
    match started {
        Ok((notify, unfiltered)) => Ok(Child { pid: process.id(), notify, unfiltered, process }),
        Err(error) => {
            let _ = process.kill();
            let _ = process.wait();
            Err(error)
        }
    }
}

/// The launcher's messages, up to the program's start.
fn outcome(channel: &UnixStream, program: &OsStr) -> io::Result<(Option<OwnedFd>, Option<String>)> {
    let (mut notify, mut unfiltered) = (None, None);
    while let Some(mut message) = FdMessage::receive(channel)? {
        match message.text.split_once(' ').unwrap_or((&message.text, "")) {
            (launcher::FILTERED, _) => notify = message.descriptors.pop(),
            (launcher::UNFILTERED, why) => unfiltered = Some(why.to_owned()),
            (launcher::FAILED, code) => {
                let error = io::Error::from_raw_os_error(code.parse().unwrap_or(libc::EINVAL));
                return Err(in_words(&error, &format!("cannot execute `{}`", program.display())));
            }
            _ => {}
        }
    }
    Ok((notify, unfiltered))
}

fn in_words(error: &io::Error, what: &str) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{Spec, start};

    fn spec(program: &str) -> Spec {
        Spec { intercept: false, ..Spec::new([program]) }
    }

    #[test]
    fn a_program_that_does_not_exist_is_an_error_at_once() {
        let error = start(spec("/nowhere/at/all")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(
            error.to_string(),
            "cannot execute `/nowhere/at/all`: No such file or directory (os error 2)"
        );
    }

    #[test]
    fn a_folder_that_does_not_exist_is_an_error_at_once() {
        let error = start(Spec { dir: "/nowhere/at/all".into(), ..spec("true") }).unwrap_err();
        assert!(error.to_string().starts_with("cannot start in `/nowhere/at/all`: "), "{error}");
    }
}
